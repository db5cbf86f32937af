import Apus

/// The whole `apus` program, which also knows what this package adds.
@main
struct Main {
    static func main() {
        Program(environments: [GridWorld.self], methods: [.selfImitation], networks: [.pairTable]).main()
    }
}
