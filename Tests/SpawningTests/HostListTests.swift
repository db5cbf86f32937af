import Platform
import Spawning
import Testing

/// Hosts as people write them: on the command line and in an inventory.
@Suite struct HostListTests {
    @Test func hostsHaveUsersAndCounts() throws {
        let plans = try HostList.parse("a,b:4,me@c:2,[fe80::1%eth0]:3,10.0.0.7")
        #expect(plans.map(\.destination) == ["a", "b", "me@c", "fe80::1%eth0", "10.0.0.7"])
        #expect(plans.map(\.count) == [1, 4, 2, 3, 1])
    }

    @Test(arguments: ["", "a,,b", "a:0", "a:many", "a:4097", "@a", "-oProxyCommand=x", "a b", "a;reboot", "a,a", "[::1", "[::1]2", ".."])
    func mistakesAreNamed(_ text: String) throws {
        #expect(throws: HostListError.self) { try HostList.parse(text) }
    }

    @Test func anInventoryHasDefaults() throws {
        let plans = try Inventory.parse(
            """
            defaults: {user: rl, count: 8, ssh: [-J, gate]}
            hosts:
              - plain
              - host: big
                count: 64
                slots: 16
                port: 2222
                folder: /scratch/it's here
              - {host: other, user: me, ssh: []}
            """, place: "hosts.yaml")
        #expect(plans.map(\.destination) == ["rl@plain", "rl@big", "me@other"])
        #expect(plans.map(\.count) == [8, 64, 8] && plans.map(\.slots) == [nil, 16, nil] && plans.map(\.port) == [nil, 2222, nil])
        #expect(plans[1].folder == "/scratch/it's here" && plans[0].ssh == ["-J", "gate"] && plans[2].ssh.isEmpty)
    }

    @Test(arguments: [
        ("hosts:\n  - hots: a\n", "hosts.yaml, line 2", "Did you mean host?"),
        ("hosts:\n  - host: a\n    cuont: 3\n", "hosts.yaml, line 3", "Did you mean count?"),
        ("hosts:\n  - host: a\n    count: 0\n", "hosts.yaml, line 3", "1 to 4096"),
        ("hosts:\n  - host: a\n    port: ssh\n", "hosts.yaml, line 3", "1 to 65535"),
        ("hosts:\n  - a\n  - a\n", "hosts.yaml, line 3", "twice"),
        ("hosts:\n  - count: 3\n", "hosts.yaml, line 2", "no name"),
        ("hosts:\n  - host: -oProxyCommand=x\n", "hosts.yaml, line 2", "a name"),
        ("defaults: {host: a}\nhosts: [b]\n", "hosts.yaml, line 1", "unknown key host"),
        ("host: [a]\n", "hosts.yaml, line 1", "Did you mean hosts?"),
        ("hosts: a\n", "hosts.yaml, line 1", "a list"),
        ("hosts: []\n", "hosts.yaml", "no hosts"),
        ("", "hosts.yaml", "no hosts"),
        ("hosts: [a\n", "hosts.yaml", "not YAML"),
    ])
    func mistakesInAnInventoryHaveALine(_ yaml: String, place: String, says: String) throws {
        let error = try #require(throws: InventoryError.self) { try Inventory.parse(yaml, place: "hosts.yaml") }
        #expect(error.place == place && "\(error)".contains(says), "\(error)")
    }
}
