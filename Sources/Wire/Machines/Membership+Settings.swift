extension Membership {
    public struct Settings: Sendable {
        public var run: UInt64
        public var runName: String
        public var runFile: String
        public var runDirectory: String
        public var heartbeatSeconds: Double
        /// A member that was silent this long is taken for gone.
        public var silenceLimit: Double
        /// What an actor costs is bounded, and so is the number of them.
        public var maximumActors: Int
        public var assignment: ActorAssignment

        public init(
            run: UInt64, runName: String, runFile: String, runDirectory: String, heartbeatSeconds: Double = 0.5, silenceLimit: Double = 3,
            maximumActors: Int = 4096, assignment: ActorAssignment
        ) {
            self.run = run
            self.runName = runName
            self.runFile = runFile
            self.runDirectory = runDirectory
            self.heartbeatSeconds = heartbeatSeconds
            self.silenceLimit = silenceLimit
            self.maximumActors = maximumActors
            self.assignment = assignment
        }
    }
}
