import Glibc

/// eˣ of one number.
func exponential(_ x: Float) -> Float { expf(x) }
/// The natural logarithm of one number.
func naturalLogarithm(_ x: Float) -> Float { logf(x) }
/// log Γ(x) for x > 0.
func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
}
/// eˣ of one number.
func exponential(_ x: Double) -> Double { exp(x) }
/// The natural logarithm of one number.
func naturalLogarithm(_ x: Double) -> Double { log(x) }
