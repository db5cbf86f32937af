import Platform
import Yams

/// Hosts as they stand in a file (`cluster/hosts.yaml` is an example): a list under `hosts`, and under `defaults` what holds for all of
/// them unless they say otherwise.
public enum Inventory {
    private static let keys = ["host", "user", "port", "count", "slots", "folder", "ssh"]

    public static func load(_ path: String) throws -> [HostPlan] { try parse(String(decoding: Files.read(path), as: UTF8.self), place: path) }

    public static func parse(_ yaml: String, place: String) throws(InventoryError) -> [HostPlan] {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw InventoryError(problem: "this is not YAML: \(oneLine(error))", place: place, remedy: "Correct the file there.")
        } catch {
            throw InventoryError(problem: "this is not YAML: \(error)", place: place, remedy: "Correct the file there.")
        }
        guard let root, case .mapping(let sections) = root else {
            throw InventoryError(problem: "there are no hosts", place: place, remedy: "Write them as a list under the key hosts.")
        }
        var defaults = HostPlan(host: "")
        for (key, value) in sections where key.string == "defaults" { try fill(&defaults, from: value, allowsHost: false, place: place) }
        var plans: [HostPlan] = []
        for (key, value) in sections {
            switch key.string {
            case "defaults": break
            case "hosts":
                guard case .sequence(let entries) = value else { throw wrong("hosts", value, "a list", place) }
                for entry in entries {
                    var plan = defaults
                    if case .scalar(let scalar) = entry {
                        guard HostPlan.isName(scalar.string) else { throw wrong("host", entry, "the name of a host", place) }
                        plan.host = scalar.string
                    } else {
                        try fill(&plan, from: entry, allowsHost: true, place: place)
                    }
                    guard !plan.host.isEmpty else {
                        throw InventoryError(problem: "this host has no name", place: at(entry, place), remedy: "Give it the key host.")
                    }
                    guard !plans.contains(where: { $0.destination == plan.destination && $0.port == plan.port }) else {
                        throw InventoryError(problem: "\(plan.destination) stands twice", place: at(entry, place), remedy: "Keep one of them.")
                    }
                    plans.append(plan)
                }
            default: throw unknown(key, ["defaults", "hosts"], place)
            }
        }
        guard !plans.isEmpty else {
            throw InventoryError(problem: "there are no hosts", place: place, remedy: "Write them as a list under the key hosts.")
        }
        return plans
    }

    private static func fill(_ plan: inout HostPlan, from node: Node, allowsHost: Bool, place: String) throws(InventoryError) {
        guard case .mapping(let mapping) = node else { throw wrong("this entry", node, "a mapping of keys to values", place) }
        for (key, value) in mapping {
            switch key.string {
            case "host" where allowsHost: plan.host = try name("host", value, place)
            case "user": plan.user = try name("user", value, place)
            case "port": plan.port = try number("port", value, 1...65535, place)
            case "count": plan.count = try number("count", value, HostPlan.counts, place)
            case "slots": plan.slots = try number("slots", value, 1...65536, place)
            case "folder":
                guard let text = value.string, Shell.isPath(text) else { throw wrong("folder", value, "a path", place) }
                plan.folder = text
            case "ssh":
                guard case .sequence(let words) = value else { throw wrong("ssh", value, "a list of ssh's arguments, such as [-J, gate]", place) }
                plan.ssh = []
                for word in words {
                    guard let text = word.string else { throw wrong("ssh", word, "a text", place) }
                    plan.ssh.append(text)
                }
            default: throw unknown(key, keys.filter { allowsHost || $0 != "host" }, place)
            }
        }
    }

    private static func name(_ key: String, _ node: Node, _ place: String) throws(InventoryError) -> String {
        guard let text = node.string, HostPlan.isName(text) else { throw wrong(key, node, "a name", place) }
        return text
    }

    private static func number(_ key: String, _ node: Node, _ range: ClosedRange<Int>, _ place: String) throws(InventoryError) -> Int {
        guard let number = node.int, range.contains(number) else {
            throw wrong(key, node, "a whole number from \(range.lowerBound) to \(range.upperBound)", place)
        }
        return number
    }

    private static func unknown(_ key: Node, _ known: [String], _ place: String) -> InventoryError {
        let name = key.string ?? "?"
        let guess = nearest(to: name, in: known).map { "Did you mean \($0)? " } ?? ""
        return InventoryError(problem: "unknown key \(name)", place: at(key, place), remedy: guess + "There are: \(known.joined(separator: ", ")).")
    }

    private static func wrong(_ key: String, _ node: Node, _ expected: String, _ place: String) -> InventoryError {
        let shown =
            switch node {
            case .scalar(let scalar): scalar.string.isEmpty ? "empty" : scalar.string
            case .mapping: "a mapping"
            case .sequence: "a list"
            case .alias: "an alias"
            }
        return InventoryError(problem: "\(key) is \(shown), but must be \(expected)", place: at(node, place), remedy: "Correct the value.")
    }

    private static func at(_ node: Node, _ place: String) -> String { node.mark.map { "\(place), line \($0.line)" } ?? place }
    private static func oneLine(_ error: YamlError) -> String { "\(error)".split(separator: "\n").joined(separator: " ") }
}

public struct InventoryError: Remediable, Equatable {
    public let problem: String
    public let place: String
    public let remedy: String
}
