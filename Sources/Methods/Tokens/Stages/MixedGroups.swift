/// Groups whose responses are all correct or all wrong are in no loss and count in no mean.
public struct MixedGroups: TokenStage {
    public init() {}

    public func apply(_ work: inout TokenWork) {
        let batch = work.batch
        for group in batch.groups.indices {
            let correct = batch.judged(group).count { batch.responses[$0].isCorrect }
            guard correct == 0 || correct == batch.judged(group).count else { continue }
            for response in batch.members[group] { for token in batch.spans[response] { work.mask[token] = 0 } }
        }
    }
}
