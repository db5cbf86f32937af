import Learning

@main
struct Main {
    static func main() { LearnerCommand.main() }
}
