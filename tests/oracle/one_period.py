"""Clearing vectors of one-period problems with seniority, by a method of their own (no world, no estates).

Eisenberg and Noe (2001), Rogers and Veraart (2013), Elsinger (2009) for classes. Greatest: fictitious default from full
payment, each wave solved by linear equations. Least: from nothing, each limit solved by linear equations, solvency
tested *at the limit* and the ascent continued until the point is fixed (Rogers and Veraart, example 3.3: the plain
ascending iteration stops at a point that is no clearing vector).
"""

TOLERANCE = 1e-10  # of total liabilities, on the side of solvency


def clear(liabilities, cash, alpha=1.0, beta=1.0, outside=None, solution="greatest"):
    """Clearing vector of liabilities[c][i][j] (class c, first paid first; i owes j) and outside[c][i].

    A defaulter shares alpha cash + beta received by class, pro rata inside a class. Returns payment [n] (total),
    payments [c][i][j], paid_outside [i], received, equity, default_round (-1: solvent; waves of the fictitious default
    for the greatest solution, 0 for every defaulter of the least).
    """
    n, classes = len(cash), len(liabilities)
    outside = outside or [[0.0] * n for _ in range(classes)]
    owed = [[sum(liabilities[c][i]) + outside[c][i] for i in range(n)] for c in range(classes)]
    total = [sum(owed[c][i] for c in range(classes)) for i in range(n)]

    def received_of(payment):
        fractions = [class_fractions([owed[c][j] for c in range(classes)], payment[j]) for j in range(n)]
        return [sum(liabilities[c][j][i] * fractions[j][c] for c in range(classes) for j in range(n)) for i in range(n)]

    def solvent(received):
        return [cash[i] + received[i] >= total[i] - TOLERANCE * total[i] for i in range(n)]

    default_round = [-1] * n
    if solution == "greatest":
        payment, wave = list(total), 0
        while True:
            fine = solvent(received_of(payment))
            new = [i for i in range(n) if default_round[i] < 0 and not fine[i]]
            if not new:
                break
            for i in new:
                default_round[i] = wave
            wave += 1
            payment = limit_of(liabilities, owed, cash, alpha, beta, default_round, payment, received_of)
    else:
        default_round, payment = [0] * n, [0.0] * n
        while True:
            payment = limit_of(liabilities, owed, cash, alpha, beta, default_round, payment, received_of)
            fine = solvent(received_of(payment))
            rescued = [i for i in range(n) if default_round[i] == 0 and fine[i]]
            if not rescued:
                break
            for i in rescued:
                default_round[i], payment[i] = -1, total[i]
    received = received_of(payment)
    fractions = [class_fractions([owed[c][j] for c in range(classes)], payment[j]) for j in range(n)]
    return {
        "payment": payment,
        "payments": [[[liabilities[c][i][j] * fractions[i][c] for j in range(n)] for i in range(n)] for c in range(classes)],
        "paid_outside": [sum(outside[c][i] * fractions[i][c] for c in range(classes)) for i in range(n)],
        "received": received,
        "equity": [cash[i] + received[i] - total[i] if default_round[i] < 0 else 0.0 for i in range(n)],
        "default_round": default_round,
    }


def class_fractions(owed, payment):
    """Paid share of each class when `payment` is handed out in order of the classes; 0/0 = 1."""
    fractions, left = [], payment
    for amount in owed:
        fractions.append(min(1.0, max(0.0, left / amount)) if amount > 0 else 1.0)
        left -= amount
    return fractions


def marginal_class(owed, payment):
    """The class that the last unit of `payment` goes to (the last class with claims when all is paid)."""
    left, last = payment, 0
    for c, amount in enumerate(owed):
        if amount > 0:
            last = c
            if left < amount:
                return c
            left -= amount
    return last


def limit_of(liabilities, owed, cash, alpha, beta, default_round, payment, received_of):
    """Fixed point next to `payment` for a fixed default set: the limit of the iteration that starts there.

    The map is monotone and linear while no defaulter changes its marginal class, so a linear solve that stays in the
    classes of the point is the limit; else, and for singular cycles, plain iteration goes on.
    """
    n, classes = len(cash), len(liabilities)
    defaulters = [i for i in range(n) if default_round[i] >= 0]

    def owed_by(i):
        return [owed[c][i] for c in range(classes)]

    def image(point):
        received = received_of(point)
        return [min(sum(owed_by(i)), alpha * cash[i] + beta * received[i]) if default_round[i] >= 0 else sum(owed_by(i)) for i in range(n)]

    for _ in range(100000):
        following = image(payment)
        if max(abs(a - b) for a, b in zip(following, payment, strict=True)) == 0.0:
            return following
        falling = sum(following) < sum(payment)
        payment = following
        margin = {i: marginal_class(owed_by(i), payment[i]) for i in defaulters}
        matrix, right = [], []
        for i in defaulters:
            row, known = [], alpha * cash[i]
            for j in range(n):
                if j in margin:
                    c, share = margin[j], 0.0
                    if owed[c][j] > 0:
                        share = liabilities[c][j][i] / owed[c][j]
                    known += beta * (sum(liabilities[a][j][i] for a in range(c)) - share * sum(owed[a][j] for a in range(c)))
                    row.append((1.0 if i == j else 0.0) - beta * share)
                else:
                    known += beta * sum(liabilities[a][j][i] for a in range(classes))
            matrix.append(row)
            right.append(known)
        solution = solve_linear(matrix, right)
        if solution is None:
            continue
        candidate = list(payment)
        for i, value in zip(defaulters, solution, strict=True):
            candidate[i] = value
        scale = 1e-12 * (1.0 + sum(sum(row) for row in owed))
        onward = all((payment[i] - candidate[i]) * (1 if falling else -1) >= -scale for i in defaulters)
        fixed = max(abs(a - b) for a, b in zip(image(candidate), candidate, strict=True)) <= scale
        same = all(marginal_class(owed_by(i), candidate[i]) == margin[i] for i in defaulters)
        if onward and fixed and same and min(candidate) >= 0.0:
            return candidate
    return payment


def solve_linear(matrix, right):
    """Gauss elimination with row exchange; None when the matrix is singular."""
    rows = [list(row) + [value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for k in range(size):
        pivot = max(range(k, size), key=lambda row: abs(rows[row][k]))
        if abs(rows[pivot][k]) < 1e-13:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for row in range(k + 1, size):
            factor = rows[row][k] / rows[k][k]
            rows[row] = [a - factor * b for a, b in zip(rows[row], rows[k], strict=True)]
    solution = [0.0] * size
    for k in reversed(range(size)):
        solution[k] = (rows[k][size] - sum(rows[k][j] * solution[j] for j in range(k + 1, size))) / rows[k][k]
    return solution
