import Glibc
import Platform

/// Sees within a second when somebody allows or revokes a key.
///
/// A folder that cannot be read, because somebody is about to write it or made a mistake, changes nothing: the list of before counts on.
public struct KeyFolderWatch {
    private let folder: KeyFolder
    public private(set) var list: AllowList
    private var stamp: [Int64]
    private var lastLook: Time
    private var lastProblem: String?

    private static let interval = 0.5

    public init(_ folder: KeyFolder, now: Time) throws {
        self.folder = folder
        stamp = Self.stamp(of: folder)
        list = try folder.allowList()
        lastLook = now
    }

    public enum Change {
        case list(before: AllowList)
        case unreadable(String)
    }

    /// What has changed since the last look; nil mostly.
    public mutating func look(now: Time) -> Change? {
        guard now - lastLook >= Self.interval else { return nil }
        lastLook = now
        let stamp = Self.stamp(of: folder)
        guard stamp != self.stamp else { return nil }
        do {
            let (before, list) = (self.list, try folder.allowList())
            // Only what was read whole is remembered as seen: after a problem the next look tries again.
            (self.stamp, self.list, lastProblem) = (stamp, list, nil)
            return list == before ? nil : .list(before: before)
        } catch {
            let problem = "\(error)"
            guard problem != lastProblem else { return nil }
            lastProblem = problem
            return .unreadable(problem)
        }
    }

    /// Changes whenever a file is added, removed, replaced or rewritten.
    private static func stamp(of folder: KeyFolder) -> [Int64] {
        let names = (try? Files.list(folder.allowedFolder)) ?? []
        return ([folder.allowedFolder, folder.publicFile] + names.map { "\(folder.allowedFolder)/\($0)" }).flatMap { path -> [Int64] in
            var status = stat()
            guard stat(path, &status) == 0 else { return [0] }
            return [Int64(status.st_ino), Int64(status.st_size), Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec)]
        }
    }
}
