"""Forms of laws with exponentials, logarithms, waves and roots, as textbooks hold them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """A law with places for columns and numbers.

    Args:
        text: A to G are positive columns, X to Z those of both signs, k, l and n numbers.
        argument: what varies between ``least`` and ``most`` in the table, from its 5 % to its 95 % quantile.
    """

    text: str
    argument: str
    least: float = 0.5
    most: float = 6.0


EXPONENTIALS = (
    Form("A*exp(-B*C*D/(k*E))", "B*C*D/(k*E)"),
    Form("A*exp(-B*C/(D*E))", "B*C/(D*E)"),
    Form("k*A*exp(-l*B/C)", "l*B/C"),
    Form("k + l*exp(-n*A)", "n*A"),
    Form("A + B*exp(-k*C)", "k*C"),
    Form("A*(1 - exp(-B/(C*D)))", "B/(C*D)"),
    Form("A*(1 - exp(-k*B))", "k*B"),
    Form("A*exp(k*B) + C", "k*B", 0.5, 4.0),
    Form("1/(exp(A*B/(k*C)) - 1)", "A*B/(k*C)"),
    Form("k*A**3/(exp(B*A/C) - 1)", "B*A/C"),
    Form("A/(exp(B/C) + 1)", "B/C"),
    Form("A/(1 + exp(-k*X))", "k*X", 2.0, 8.0),
    Form("A/(1 + k*exp(-l*B))", "l*B", 1.0, 5.0),
    Form("A*log(B/C)", "log(B/C)", 0.5, 4.0),
    Form("A*B*log(C/D)/E", "log(C/D)", 0.5, 4.0),
    Form("k*log(A) + l", "log(A)", 0.5, 4.0),
    Form("log(A*B + C)", "log(A*B + C)", 0.5, 4.0),
    Form("A*log(1 + B/k)", "B/k"),
    Form("A*exp(-(X - k)**2/(2*l**2))", "(X - k)**2/(2*l**2)"),
    Form("A*exp(-(X - Y)**2/(2*B**2))", "(X - Y)**2/(2*B**2)"),
    Form("exp(-X**2/(2*A**2))/A", "X**2/(2*A**2)"),
    Form("k*A**1.5*exp(-B/C)", "B/C"),
    Form("k*exp(-A/B)*sqrt(C)", "A/B"),
    Form("exp(k*A + l*X)", "k*A + l*X"),
)
WAVES = (
    Form("A*cos(k*B + l)", "k*B", 2.0, 15.0),
    Form("A*cos(B*C + l)", "B*C", 2.0, 15.0),
    Form("A*sin(B*C) + D", "B*C", 2.0, 15.0),
    Form("k*sin(l*A) + n", "l*A", 2.0, 15.0),
    Form("k*sin(l*A + n)", "l*A", 2.0, 15.0),
    Form("A*sin(k*X)**2", "k*X", 2.0, 8.0),
    Form("A*B*sin(k*C)", "k*C", 2.0, 15.0),
    Form("A*cos(X)**2/B", "X", 2.0, 6.0),
    Form("exp(-k*A)*cos(l*A)", "l*A", 3.0, 15.0),
    Form("A*exp(-k*B)*cos(C*B)", "C*B", 2.0, 15.0),
    Form("A*sin(k*B - l*C)", "k*B - l*C", 2.0, 12.0),
    Form("A*cos(B*C + X)", "B*C", 2.0, 12.0),
    Form("A + B*cos(k*C)", "k*C", 2.0, 15.0),
    Form("A*cos(C) + B*sin(C)", "C", 2.0, 10.0),
    Form("A**2 + B**2 - 2*A*B*cos(C)", "C", 2.0, 6.0),
    Form("A*sin(B)*cos(C)", "B", 1.0, 4.0),
    Form("k*A*sin(B)/C**2", "B", 1.0, 6.0),
    Form("A*tan(k*B)", "k*B", 0.5, 1.3),
)
ROOTS = (
    Form("A*sqrt(B**2 + C**2)", "B/C", 0.3, 9.0),
    Form("A/sqrt(1 - B**2/C**2)", "B/C", 0.2, 1.5),
    Form("A*sqrt(1 - B**2/C**2)", "B/C", 0.2, 1.5),
    Form("sqrt(A**2 + B**2 + C**2)", "A/B", 0.3, 9.0),
    Form("sqrt(X**2 + Y**2 + k)", "X/Y", 0.3, 30.0),
    Form("sqrt(A*B + C) + D", "A*B/C", 0.3, 9.0),
    Form("sqrt(k*A + l) + n*B", "k*A/l", 0.3, 9.0),
    Form("sqrt(k*A + l)*B", "k*A/l", 0.3, 9.0),
    Form("k*sqrt(A/B + C)", "A/B/C", 0.3, 9.0),
    Form("A*B/sqrt(C**2 + D**2)", "C/D", 0.3, 9.0),
    Form("sqrt((X - Y)**2 + (Z - A)**2)", "X - Y", 0.3, 30.0),
    Form("A*B**2/(B**2 + C**2)**1.5", "B/C", 0.3, 9.0),
    Form("(A*B + k*C)**1.5", "A*B/C", 0.3, 9.0),
    Form("A + sqrt(A**2 + k*B*C)", "B*C/A**2", 0.2, 9.0),
    Form("sqrt(A)*B + k*sqrt(C)", "A/C", 0.2, 9.0),
    Form("k/sqrt(A**2 + (B - C)**2)", "(B - C)/A", 0.3, 9.0),
    Form("A*(B + k)**0.5/C", "B/k", 0.3, 9.0),
)
