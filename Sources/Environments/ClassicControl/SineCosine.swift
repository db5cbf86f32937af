import Glibc

/// Sine and cosine together, within 1 ulp; what pendulum-like dynamics spend their time on.
///
/// For |x| ≤ π/4 the minimax polynomials of FreeBSD's msun (`k_sin.c`, `k_cos.c`), which a compiler can inline and a processor can run for
/// several slots at once; beyond, the C library.
@inline(__always)
func sineCosine(_ x: Double) -> (sine: Double, cosine: Double) {
    guard abs(x) <= 0.785_398_163_397_448_3 else { return (sin(x), cos(x)) }
    let z = x * x
    let w = z * z
    let sineTail =
        8.333_333_333_322_489_461_24e-03 + z * (-1.984_126_982_985_794_931_34e-04 + z * 2.755_731_370_707_006_767_89e-06)
        + z * w * (-2.505_076_025_340_686_341_95e-08 + z * 1.589_690_995_211_550_102_21e-10)
    let sine = x + z * x * (-1.666_666_666_666_663_243_48e-01 + z * sineTail)
    let cosineTail =
        z * (4.166_666_666_666_660_190_37e-02 + z * (-1.388_888_888_887_410_957_49e-03 + z * 2.480_158_728_947_672_941_78e-05))
        + w * w * (-2.755_731_435_139_066_330_35e-07 + z * (2.087_572_321_298_174_827_90e-09 + z * -1.135_964_755_778_819_482_65e-11))
    let half = 0.5 * z
    let one = 1 - half
    return (sine, one + (((1 - one) - half) + z * cosineTail))
}
