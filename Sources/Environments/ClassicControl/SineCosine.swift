import Glibc

/// Sine and cosine together, within 1 ulp; what pendulum-like dynamics spend their time on.
///
/// For |x| ≤ π/4 the minimax polynomials of FreeBSD's msun (`k_sin.c`, `k_cos.c`), which a compiler can inline and a processor can run for
/// several slots at once; beyond, the same polynomials after taking multiples of π/2 away, out of line.
@inline(__always)
func sineCosine(_ x: Double) -> (sine: Double, cosine: Double) {
    guard abs(x) <= 0.785_398_163_397_448_3 else { return sineCosineFarOut(x) }
    return sineCosineKernel(x, 0)
}

/// The same for angles that are anywhere on the circle.
///
/// Cody and Waite's reduction as in msun's `e_rem_pio2.c`: the first 33 bits of π/2, so that n times them is exact for |n| < 2²⁰, and the
/// rest as a double, which leaves an error below n · 2⁻⁸⁶. That only matters where a multiple of π/2 is near: nearer than 10⁻⁴, and for
/// angles beyond 10³, the C library.
@inline(__always)
package func sineCosineAnywhere(_ x: Double) -> (sine: Double, cosine: Double) {
    // Adding and taking away 1.5·2⁵² rounds to the nearest whole number.
    let shift = 0x1.8p52
    let shifted = x * 6.366_197_723_675_813_824_33e-01 + shift
    let n = shifted - shift
    let first = x - n * 1.570_796_326_734_125_614_17e+00
    let firstTail = n * 6.077_100_506_506_192_249_32e-11
    let y = first - firstTail
    let tail = (first - y) - firstTail
    // Written so that an angle that is no number goes to the C library too.
    guard abs(x) < 1e3, abs(y) > 1e-4 || n == 0 else { return (sin(x), cos(x)) }
    let (sine, cosine) = sineCosineKernel(y, tail)
    let quarter = shifted.bitPattern
    let odd = quarter & 1 == 1
    let (s, c) = (odd ? cosine : sine, odd ? sine : cosine)
    // The second and third quarters turn the sine's sign, the first and second the cosine's.
    let sineSign = (quarter & 2) << 62
    let cosineSign = ((quarter &+ 1) & 2) << 62
    return (Double(bitPattern: s.bitPattern ^ sineSign), Double(bitPattern: c.bitPattern ^ cosineSign))
}

@inline(never)
private func sineCosineFarOut(_ x: Double) -> (sine: Double, cosine: Double) { sineCosineAnywhere(x) }

/// Of x + tail, |x| ≤ π/4 and the tail below x's last digit.
@inline(__always)
private func sineCosineKernel(_ x: Double, _ tail: Double) -> (sine: Double, cosine: Double) {
    let z = x * x
    let w = z * z
    let sineTail =
        8.333_333_333_322_489_461_24e-03 + z * (-1.984_126_982_985_794_931_34e-04 + z * 2.755_731_370_707_006_767_89e-06)
        + z * w * (-2.505_076_025_340_686_341_95e-08 + z * 1.589_690_995_211_550_102_21e-10)
    let cube = z * x
    let sine = x - ((z * (0.5 * tail - cube * sineTail) - tail) - cube * -1.666_666_666_666_663_243_48e-01)
    let cosineTail =
        z * (4.166_666_666_666_660_190_37e-02 + z * (-1.388_888_888_887_410_957_49e-03 + z * 2.480_158_728_947_672_941_78e-05))
        + w * w * (-2.755_731_435_139_066_330_35e-07 + z * (2.087_572_321_298_174_827_90e-09 + z * -1.135_964_755_778_819_482_65e-11))
    let half = 0.5 * z
    let one = 1 - half
    return (sine, one + (((1 - one) - half) + (z * cosineTail - x * tail)))
}
