import Testing

/// The failure table with real processes, one scenario at a time: they share the machine.
@Suite(.serialized) enum Cluster {}
