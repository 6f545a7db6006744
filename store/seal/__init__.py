"""The end of a case and its handing over: gap report, seal, copies, receipts, and what the next case takes with it."""
