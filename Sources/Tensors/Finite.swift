import CKernels

/// Whether float32 bytes, aligned or not, hold neither infinities nor NaN.
public func allFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
    apus_all_finite(bytes.baseAddress?.assumingMemoryBound(to: Float.self), bytes.count / 4) != 0
}
