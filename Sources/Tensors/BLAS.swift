import COpenBLAS

/// The library of the matrix products, as it was found at the program's start.
public enum BLAS {
    /// The processor whose kernels it has chosen: "SkylakeX".
    public static var core: String { String(cString: openblas_get_corename()) }

    /// How many threads a product takes unless `setBLASThreads` says otherwise.
    public static var threads: Int { Int(openblas_get_num_threads()) }

    public static var version: String {
        // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …"
        let words = String(cString: openblas_get_config()).split(separator: " ")
        return words.count > 1 ? String(words[1]) : "of unknown version"
    }
}
