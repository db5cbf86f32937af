import Glibc

/// eˣ of one number.
func exponential(_ x: Float) -> Float { expf(x) }
/// The natural logarithm of one number.
func naturalLogarithm(_ x: Float) -> Float { logf(x) }
