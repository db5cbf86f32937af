import Glibc
import Platform
import Testing
import Wire

@Suite struct KeyFolderTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/apus-keys-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Files.createDirectory(folder)
        defer { try? Files.remove(folder) }
        try body(folder)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        stat(path, &status)
        return status.st_mode & 0o777
    }

    private func problem(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func anIdentityIsMadeAndReadBack() throws {
        try inFolder { folder in
            let keys = KeyFolder(path: "\(folder)/mine")
            let pair = try keys.create(name: "host-1")
            #expect(mode("\(folder)/mine") == 0o700 && mode("\(folder)/mine/identity.secret") == 0o600)
            let loaded = try keys.load()
            #expect(loaded.identity == pair && loaded.name == "host-1" && loaded.coordinator == pair.publicKey)
            #expect(try keys.allowList()[pair.publicKey]?.roles == .all)
            #expect(problem { try keys.create(name: "again") }.contains("there is an identity already"))
            #expect(try keys.load().identity == pair)
        }
    }

    @Test func keysAreTextAndTellApart() throws {
        let keys = (0..<50).map { _ in KeyPair.make().publicKey }
        for key in keys { #expect(PublicKey(key.z85) == key && key.description.count == 19) }
        #expect(Set(keys.map(\.fingerprint)).count == 50)
        for text in ["", "abc", String(repeating: "~", count: 40), String(repeating: "#", count: 40), String(repeating: "a", count: 41)] {
            #expect(PublicKey(text) == nil, "\(text)")
        }
    }

    @Test func aHostIsLetInAndOut() throws {
        try inFolder { folder in
            let (authority, client) = (KeyFolder(path: "\(folder)/authority"), KeyFolder(path: "\(folder)/client"))
            let own = try authority.create(name: "authority").publicKey
            let key = try authority.makeClient("gpu-7", in: client)
            #expect(try client.load().coordinator == own)
            #expect(try authority.allowList()[key] == AllowedKey(name: "gpu-7", key: key, roles: .actor))
            let before = try authority.allowList()
            #expect(problem { try authority.revoke("gpu-8") }.contains("Did you mean gpu-7?"))
            #expect(try authority.revoke("gpu-7") == key)
            #expect(try authority.allowList().revoked(since: before) == [key])
            #expect(try authority.revoked().map(\.key) == [key])
            #expect(problem { try authority.allow(AllowedKey(name: "other", key: key, roles: .all)) }.contains("was revoked"))
            // The name is free again, for another key, as often as needed.
            for round in 1...3 {
                try authority.makeClient("gpu-7", roles: [.actor, .command], in: KeyFolder(path: "\(folder)/client-\(round)"))
                try authority.revoke("gpu-7")
            }
            #expect(try authority.revoked().count == 4 && authority.allowList().count == 1)
        }
    }

    @Test func anotherKeyDoesNotTakeAName() throws {
        try inFolder { folder in
            let authority = KeyFolder(path: folder)
            try authority.create(name: "authority")
            let (first, second) = (KeyPair.make().publicKey, KeyPair.make().publicKey)
            try authority.allow(AllowedKey(name: "a", key: first, roles: .actor))
            #expect(problem { try authority.allow(AllowedKey(name: "a", key: second, roles: .actor)) }.contains("allowed with another key"))
            try authority.allow(AllowedKey(name: "a", key: first, roles: .all))
            #expect(try authority.allowList()[first]?.roles == .all && authority.allowList()[second] == nil)
            for name in ["../a", "", ".a", "-a", "a b", "a/b", String(repeating: "a", count: 65), "a\n"] {
                #expect(problem { try authority.allow(AllowedKey(name: name, key: second, roles: .actor)) }.contains("cannot be the name"))
            }
        }
    }

    @Test(arguments: [
        ("", "name is missing"), ("hello", "line 1"), ("nmae = a", "Did you mean name?"), ("name = a\nname = b", "stands twice"),
        ("name = a b", "cannot be the name"), ("name = a\nsecret = short\npublic = x", "line 2"),
    ])
    func damagedFilesAreNamed(content: String, says: String) throws {
        try inFolder { folder in
            let keys = KeyFolder(path: folder)
            try keys.create(name: "a")
            try Files.write(Array(content.utf8), to: "\(folder)/identity.secret")
            chmod("\(folder)/identity.secret", 0o600)
            let problem = problem { _ = try keys.load() }
            #expect(problem.contains(says) && problem.contains("\(folder)/identity.secret"), "\(problem)")
        }
    }

    @Test func halvesOfDifferentKeysAreRefused() throws {
        try inFolder { folder in
            let keys = KeyFolder(path: folder)
            try keys.create(name: "a")
            let text = String(decoding: try Files.read("\(folder)/identity.secret"), as: UTF8.self)
            let lines = text.split(separator: "\n").map { $0.hasPrefix("public") ? "public = \(KeyPair.make().publicKey.z85)" : String($0) }
            try Files.write(Array(lines.joined(separator: "\n").utf8), to: "\(folder)/identity.secret")
            chmod("\(folder)/identity.secret", 0o600)
            #expect(problem { _ = try keys.load() }.contains("does not belong"))
        }
    }

    @Test(arguments: [mode_t(0o644), 0o640, 0o660, 0o604]) func aSecretThatOthersCanReadIsRefused(mode: mode_t) throws {
        try inFolder { folder in
            try KeyFolder(path: folder).create(name: "a")
            chmod("\(folder)/identity.secret", mode)
            let problem = problem { _ = try KeyFolder(path: folder).load() }
            #expect(problem.contains("chmod 600"), "\(problem)")
        }
    }

    @Test func aFolderWithoutAnIdentityNamesTheCommand() throws {
        try inFolder { folder in
            let problem = problem { _ = try KeyFolder(path: folder).load() }
            #expect(problem.contains("apus keys new"), "\(problem)")
        }
    }

    @Test func changesAreSeenAndMistakesAreNot() throws {
        try inFolder { folder in
            let keys = KeyFolder(path: folder)
            try keys.create(name: "a")
            var watch = try KeyFolderWatch(keys, now: .zero)
            #expect(watch.look(now: .seconds(1)).isNothing)
            let key = KeyPair.make().publicKey
            try keys.allow(AllowedKey(name: "b", key: key, roles: .actor))
            #expect(watch.look(now: .seconds(1.1)).isNothing, "not at every look")
            guard case .list(let before)? = watch.look(now: .seconds(2)) else { throw Missing() }
            #expect(before[key] == nil && watch.list[key] != nil)
            // Somebody's slip of the hand must not throw everybody out.
            try Files.write(Array("public = \n".utf8), to: "\(folder)/allowed/c.public")
            guard case .unreadable(let problem)? = watch.look(now: .seconds(3)) else { throw Missing() }
            #expect(problem.contains("c.public"))
            #expect(watch.look(now: .seconds(4)).isNothing && watch.list[key] != nil, "said once")
            try Files.remove("\(folder)/allowed/c.public")
            #expect(watch.look(now: .seconds(5)).isNothing)
            try keys.revoke("b")
            guard case .list? = watch.look(now: .seconds(6)) else { throw Missing() }
            #expect(watch.list[key] == nil)
        }
    }

    private struct Missing: Error {}
}

extension KeyFolderWatch.Change? {
    fileprivate var isNothing: Bool { if case nil = self { true } else { false } }
}
