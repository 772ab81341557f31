"""Parts of a replay by themselves: margins, wishes, series, plots."""
