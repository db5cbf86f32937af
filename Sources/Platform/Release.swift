/// Which Apus this is. The version of the wire's contract is counted on its own (`WireProtocol.version`).
public enum Release {
    public static let version = "0.1.0"
}
