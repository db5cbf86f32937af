/// The Python worker's source, which is written where a Python started by us finds it: users install nothing of ours.
enum PythonWorkerFiles {
    /// The package's name, which `python3 -m` takes.
    static let package = "apus_worker"

    static let all: [(name: String, text: [UInt8])] = [
        ("__init__.py", PackageResources.__init___py),
        ("__main__.py", PackageResources.__main___py),
        ("wire.py", PackageResources.wire_py),
        ("serving.py", PackageResources.serving_py),
        ("memory.py", PackageResources.memory_py),
        ("spaces.py", PackageResources.spaces_py),
        ("loop.py", PackageResources.loop_py),
        ("atari.py", PackageResources.atari_py),
        ("parallel.py", PackageResources.parallel_py),
    ]
}
