"""The family of deals, one file a kind. A new kind is its file and its name in this list."""

from simulate.deals.compute_contract import COMPUTE_CONTRACT
from simulate.deals.equity_commitment import EQUITY_COMMITMENT
from simulate.deals.equity_stake import EQUITY_STAKE
from simulate.deals.gpu_loan import GPU_LOAN
from simulate.deals.guarantee import GUARANTEE
from simulate.deals.hardware_purchase import HARDWARE_PURCHASE
from simulate.deals.kind import Kind
from simulate.deals.lease import LEASE
from simulate.deals.loan import BOND, LOAN

MEMBERS: tuple[Kind, ...] = (LOAN, BOND, GPU_LOAN, COMPUTE_CONTRACT, HARDWARE_PURCHASE, LEASE, EQUITY_COMMITMENT, EQUITY_STAKE, GUARANTEE)
KINDS = {kind.name: kind for kind in MEMBERS}

__all__ = ["KINDS"]
