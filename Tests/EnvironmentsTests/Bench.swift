import Environments
import Tensors
import Testing
import Platform
@Suite struct Bench { @Test func speed() throws {
  let slots = try EnvironmentCatalogue.standard.make(id: "CartPole-v1", slots: 32, key: RandomKey(seed: 5, purpose: .environment))
  var o = [Float](repeating: 0, count: 128), r = [Float](repeating: 0, count: 32), te = [UInt8](repeating: 0, count: 32), tr = te
  var a = [Int32](repeating: 0, count: 32)
  for i in 0..<32 { a[i] = Int32(i%2) }
  o.withUnsafeMutableBufferPointer { slots.reset(observation: $0) }
  a.withUnsafeMutableBufferPointer { a in o.withUnsafeMutableBufferPointer { o in r.withUnsafeMutableBufferPointer { r in te.withUnsafeMutableBufferPointer { te in tr.withUnsafeMutableBufferPointer { tr in
    for _ in 0..<5 {
    let t = Time.now; var n = 0
    for s in 0..<30000 { for i in 0..<32 { a[i] = Int32(o[i*4+2] > 0 ? 1 : 0) }; _ = s
      slots.step(actions: UnsafeBufferPointer(a), observation: o, reward: r, terminated: te, truncated: tr) { n += Int($0.length) } }
    print("CartPole ns/step", (Time.now - t) * 1e9 / 960000, "ended", n) }
  }}}}}
} }
