import CKernels

/// Runs `body(part, parts)` for every part, on the threads that `setBLASThreads` allows, and returns when all are done. Parts must not write to
/// the same places; kernels inside use no further threads.
package func parallel(_ parts: Int, _ body: (Int, Int) -> Void) {
    guard parts > 1 else { return body(0, 1) }
    withoutActuallyEscaping(body) { escaping in
        var work = escaping
        withUnsafeMutablePointer(to: &work) { pointer in
            apus_parallel(
                Int32(parts),
                { context, part, parts in
                    context!.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(Int(part), Int(parts))
                }, pointer)
        }
    }
}

/// How many parts may run at once.
package var parallelParts: Int { Int(apus_threads()) }
