"""A quant's whole desk as one lineage graph: from raw bars to the live run."""

__version__ = "0.1.0"
