import Acting

@main
struct Main {
    static func main() { ActorCommand.main() }
}
