"""Identities of losses: every dollar is booked once, by whom, through what and when (docs/model.md 4.10 and 7)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from simulate.model import COLLATERAL, CONTRACT, CREDIT, EQUITY, MARKS, NONPAYMENT, STRANDED, Array

if TYPE_CHECKING:
    from simulate.checks.identities import Tile


def residuals_of_losses(tile: "Tile") -> Iterator[tuple[str, int, Array]]:
    """Compare losses by deal with losses by entity in the worlds that keep detail, and the system loss in all worlds."""
    fleet, outside = tile.model.fleet, tile.model.entities.outside > 0
    for d, k in enumerate(np.flatnonzero(tile.model.rules.world_detail > 0.0).tolist()):
        loss, by_deal = tile.outputs["loss"][d], tile.outputs["deal_loss"][d]
        off = np.abs(loss.sum(axis=(0, 1)) - by_deal.sum(axis=0))
        yield "loss_by_deal", k, (off / (1.0 + np.abs(loss).sum(axis=(0, 1))))[None, None]
        claims, lost = tile.outputs["exposure_at_default"][d], tile.outputs["default_loss"][d]
        yield "recovery", k, (np.maximum(-lost, lost - claims) / (1.0 + claims)).max(axis=0, initial=0.0)[None, None]
        own = loss[:, [COLLATERAL, STRANDED]].sum(axis=1)
        off = own.copy()
        off[fleet.entity] -= by_deal[fleet.stranded_deal]
        yield "fleet_loss", k, (np.abs(off) / (1.0 + np.abs(own)))[None]
    for k, losses in enumerate(tile.losses):
        ends = losses[outside][:, [CREDIT, EQUITY]]
        off = np.abs(tile.outputs["outside_loss"][k] - ends.sum(axis=(0, 1)))
        off = np.maximum(off, np.abs(tile.outputs["lender_loss"][k] - losses[outside, CREDIT].sum(axis=0)))
        yield "system_loss", k, (off / (1.0 + np.abs(ends).sum(axis=(0, 1))))[None, None]
    if tile.model.factors.short_rate.discount == 0.0:
        yield from of_years(tile)
        yield from of_system(tile)


def of_system(tile: "Tile") -> Iterator[tuple[str, int, Array]]:
    """Compare the system loss with its parts, and with what entities caused; nominal losses only."""
    outside, switches = tile.model.entities.outside > 0, tile.model.rules.world_switches
    for k, losses in enumerate(tile.losses):
        borne = losses[:, [CREDIT, CONTRACT, EQUITY]].sum(axis=1)
        caused, written_off, through, system = (tile.outputs[name][k] for name in ("caused", "written_off", "borne_through", "system_loss"))
        scale = (1.0 + np.abs(losses[:, :COLLATERAL]).sum(axis=(0, 1)))[None, None]
        off = np.abs(losses[:, [CREDIT, CONTRACT]].sum(axis=(0, 1)) - caused.sum(axis=0))
        off = np.maximum(off, np.abs(losses[:, EQUITY].sum(axis=0) - written_off.sum(axis=0)))
        yield "caused", k, off[None, None] / scale
        off = np.abs(borne[outside].sum(axis=0) + through.sum(axis=0) - system)
        yield "system_loss", k, off[None, None] / scale
        if switches[k, NONPAYMENT] > 0.0 and switches[k, MARKS] > 0.0:
            begun = np.maximum(0.0, caused + written_off - borne)[~outside].sum(axis=0) + caused[outside].sum(axis=0)
            yield "conservation", k, np.abs(begun - system)[None, None] / scale


def of_years(tile: "Tile") -> Iterator[tuple[str, int, Array]]:
    """Compare losses by year with the system loss of every world, and with the losses of every entity where detail is kept."""
    for k, losses in enumerate(tile.losses):
        by_year = tile.outputs["system_loss_by_year"][k]
        off = np.abs(by_year.sum(axis=0) - tile.outputs["system_loss"][k])
        yield "loss_by_year", k, (off / (1.0 + np.abs(losses).sum(axis=(0, 1))))[None, None]
    for d, k in enumerate(np.flatnonzero(tile.model.rules.world_detail > 0.0).tolist()):
        borne = tile.outputs["loss"][d][:, :STRANDED].sum(axis=1)
        off = np.abs(tile.outputs["loss_by_year"][d].sum(axis=0) - borne)
        yield "loss_by_year", k, (off / (1.0 + np.abs(tile.outputs["loss"][d]).sum(axis=1)))[None]
