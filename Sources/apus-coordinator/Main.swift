import Coordinating

@main
struct Main {
    static func main() { CoordinatorCommand.main() }
}
