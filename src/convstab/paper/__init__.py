"""What the paper printed: its tables as data, and where it needs care.

Aghdam, Heravi and Puig: Analyzing the Stability of Convolutional Neural Networks against Image Degradation.
"""

from convstab.paper.printed import CONTRADICTIONS, TABLES, PaperTable, table_of

__all__ = ["CONTRADICTIONS", "TABLES", "PaperTable", "table_of"]
