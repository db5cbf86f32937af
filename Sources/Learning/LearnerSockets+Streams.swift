import Platform
import Rollouts
import Wire

/// Weights and rollouts.
extension LearnerSockets {
    func receiveSubscriptions() {
        while let frames = weights?.socket.receive() {
            // 1: a subscription, 0: its end. Whoever subscribes to its own topic gets the last value at once.
            let subscription = frames[0].withBytes { [UInt8]($0.prefix(WireProtocol.maximumTopicBytes + 2)) }
            let topic = Array(subscription.dropFirst())
            guard subscription.first == 1 else { continue }
            let isOwn = topic.starts(with: WireProtocol.ownTopicPrefix) && topic.count <= WireProtocol.maximumTopicBytes
            subscriptions.came(from: weights?.socket.sender, isKnown: isOwn || topic == WireProtocol.weightsTopic, now: .now)
            if isOwn { publish(topic) }
        }
        // Each topic takes memory until its connection ends.
        guard subscriptions.mustBeCut(now: .now) else { return }
        log.warning("somebody subscribes to what is not published: every connection for weights has to come back")
        do { try weights?.cut() } catch { end(.failed(error)) }
    }

    func publish(_ topic: [UInt8]) {
        guard let lastPublished else { return }
        weights?.socket.send([.bytes(topic), .bytes(lastPublished.header.encoded()), .shared(lastPublished.parameters)])
    }

    func receiveStreams() {
        while let frames = streams?.socket.receive() {
            let peer = frames[0].withBytes { RolloutIntake.Peer($0) }
            var holder: UInt64 = 0
            if let door {
                // Revoked a moment ago, or allowed as something else.
                guard let key = door.list[streams?.socket.sender], key.roles.contains(.actor) else { continue }
                holder = key.key.fingerprint
            }
            if case .exceeded(let isFirst) = budget.spend(peer, now: .now) {
                if isFirst {
                    log.warning("a connection sends more messages than it may; they are thrown away")
                    perform(intake!.overloaded(by: peer))
                }
                continue
            }
            guard frames.count >= 2 else {
                perform(intake!.malformed(.frames(expected: 2, found: frames.count), from: peer))
                continue
            }
            do {
                receive(try StreamMessage(decoding: frames[1]), columns: Array(frames.dropFirst(2)), from: peer, holder)
            } catch {
                perform(intake!.malformed(error, from: peer))
            }
        }
    }

    private func receive(_ message: StreamMessage, columns: [SharedBytes], from peer: RolloutIntake.Peer, _ holder: UInt64) {
        guard case .rollout(let header) = message else { return perform(intake!.received(message, from: peer, holder: holder, now: .now)) }
        let actions = intake!.received(message, from: peer, now: .now)
        perform(actions.filter { $0 != .accept })
        guard actions.contains(.accept) else { return }
        // It came with a ticket: those are counted already.
        budget.refund(peer)
        do {
            let rollout = try header.rollout(columns: columns)
            try rollout.validate(shape!)
            let version = intake!.version
            desk.update {
                $0.queue.append(QueuedRollout(rollout: rollout, arrivedAt: version, holder: holder))
                $0.bytesReceived += UInt64(rollout.byteCount)
            }
        } catch {
            // The sequence number is used up: it must come to its end in the ledger.
            let nonFinite = (error as? RolloutError)?.isNonFinite ?? false
            desk.update { $0.failed.append(FailedRollout(header: header, problem: "\(error)", isNonFinite: nonFinite, holder: holder)) }
            perform(
                intake!.malformed(.invalid(field: "rollout \(header.id)", value: "\(error)", allowed: "see proto/apus.proto"), from: peer))
        }
    }

    func perform(_ actions: [RolloutIntake.Action]) {
        for action in actions {
            switch action {
            case .send(let peer, let message): streams?.socket.send([.bytes(peer), .bytes(message.encoded())])
            case .accept: break
            case .weights(let place): if intake!.isAddressed { publish(WireProtocol.weightsTopic(of: place)) }
            case .lost(let place, let sequences): desk.update { $0.lost.append((place, sequences)) }
            case .missing(let place, let produced):
                log.info("actor \(place) is silent, and some of its \(produced) rollouts are missing; it may come back with them")
                desk.update { $0.missing.append((place, produced)) }
            }
        }
    }
}

extension RolloutShape {
    /// The bytes of the observations, the largest of the columns.
    var largestColumn: Int64 {
        var bytes = Int64(observation.byteCount)
        for extent in [steps + 1, maximumSlots] {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: Int64(extent))
            if overflow { return .max }
            bytes = product
        }
        return bytes
    }
}
