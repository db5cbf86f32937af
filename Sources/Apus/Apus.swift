/// What somebody imports to add an environment, a network or a method in a package of their own.
@_exported import Acting
@_exported import Coordinating
@_exported import Environments
@_exported import Learning
@_exported import Methods
@_exported import Networks
@_exported import Platform
@_exported import Rollouts
@_exported import Runs
@_exported import Tensors
@_exported import Wire
@_exported import Commands
@_exported import Workers
