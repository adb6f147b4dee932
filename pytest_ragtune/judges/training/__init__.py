"""Training of the embedded judge: labelled rows, planted errors, the network, its export and its combiner."""
