import Environments
import Testing

/// Plays turns of a policy and says what the environment replied to each.
private func play(_ environment: any TokenEnvironment, _ prompt: String, _ turns: [String]) throws -> (replies: [String?], verdict: Verdict) {
    let vocabulary = environment.vocabulary
    let task = TokenTask(id: 0, prompt: try vocabulary.encode(prompt))
    var (response, replies) = ([Int32](), [String?]())
    for turn in turns {
        response += try vocabulary.encode(turn) + [vocabulary.stop]
        switch try environment.turn(task, response[...]) {
        case .over: replies.append(nil)
        case .reply(let tokens):
            replies.append(vocabulary.decode(tokens))
            response += tokens
        }
    }
    return (replies, try environment.verify(task, response[...]))
}

@Suite struct TokenToolsTests {
    @Test func theCalculatorReplies() throws {
        let environment = try TokenCase(id: "calculator").make()
        let (replies, verdict) = try play(environment, "12*34+5=", ["[12*34]", "[408+5]", "=413"])
        #expect(replies == ["408;", "413;", nil])
        #expect(verdict.isCorrect && verdict.reward == 1 && verdict.parts == [2])
        #expect(try play(environment, "1-2=", ["[1-2]", "[-1*-5]", "[-1--5]", "=-1"]).replies == ["-1;", "5;", "4;", nil])
        let nonsense = ["[]", "[1]", "[1+]", "[+1]", "[1/2]", "[1+2+3]", "[[1+2]]", "[99999999999999999999*2]", "[--1+2]", "[1 + 2]"]
        for call in nonsense { #expect(try play(environment, "1-2=", [call]).replies == ["!;"], "\(call)") }
        // Any other turn ends the response.
        for turn in ["", "1", "1+2", "]1+2[", "=", "[1+2", "=3;[1+2]"] { #expect(try play(environment, "1-2=", [turn]).replies == [nil], "\(turn)") }
    }

    @Test func callsAreCountedAndCost() throws {
        let environment = try TokenCase(id: "calculator", options: ["calls": 2, "call_cost": 0.25]).make()
        #expect(try play(environment, "1-2=", ["[1-2]", "=-1"]).verdict.reward == 0.75)
        #expect(try play(environment, "1-2=", ["=-1"]).verdict == Verdict(reward: 1, isCorrect: true, answer: environment.answerKey("=-1"), parts: [0]))
        let (replies, verdict) = try play(environment, "1-2=", ["[1-2]", "[1-2]", "[1-2]", "=-1"])
        #expect(replies == ["-1;", "-1;", nil, nil] && !verdict.isCorrect)
    }

    /// A policy cannot say what the tool would have said, nor answer in the turn of a call.
    @Test func onlyTheLastTurnAnswers() throws {
        let environment = try TokenCase(id: "calculator").make()
        for turns in [["=-1", "=-1"], ["x", "=-1"], ["5;=-1"], ["[1-2]", "0;=-1"], ["[1-2]=-1"], ["[1-2]", ""], ["[1-2]"]] {
            #expect(try !play(environment, "1-2=", turns).verdict.isCorrect, "\(turns)")
        }
    }

    @Test func linksAreFollowed() throws {
        let environment = try TokenCase(id: "key-chain").make()
        for prompt in ["k3:", "k3@172:"] {
            var (entity, turns) = ("k", [String]())
            for _ in 0..<3 {
                turns.append("?\(entity)")
                entity = try #require(try play(environment, prompt, turns).replies.last!).replacing(";", with: "")
            }
            let verdict = try play(environment, prompt, turns + ["=\(entity)"]).verdict
            #expect(verdict.isCorrect && verdict.parts == [3])
            #expect(try play(environment, prompt, ["=\(entity)"]).verdict.isCorrect)
            #expect(try play(environment, prompt, ["?k", "?\(entity == "a" ? "b" : "a")", "=\(entity)"]).verdict.parts == [2])
            for wrong in [["\(entity)"], ["=\(entity)\(entity)"], ["=?"], ["??", "=\(entity)"], ["?k?k", "=\(entity)"], [""]] {
                #expect(try !play(environment, prompt, wrong).verdict.isCorrect, "\(wrong)")
            }
        }
        let few = try TokenCase(id: "key-chain", options: ["lookups": 1, "lookup_cost": 0.5]).make()
        #expect(try play(few, "k1:", ["?k", "?k"]).replies.last! == nil)
    }

    /// Links of the table that is always the same are a permutation, and those of other tables are other ones.
    @Test func tablesDiffer() throws {
        let environment = try TokenCase(id: "key-chain").make()
        func links(_ table: String) throws -> [String?] {
            try "abcdefghijklmnopqrstuvwxyz".map { try play(environment, "\($0)1\(table):", ["?\($0)"]).replies[0] }
        }
        let tables = try ["", "@1", "@2"].map(links)
        #expect(tables.allSatisfy { Set($0).count == 26 } && Set(tables).count == 3)
    }

    @Test func someChainsAreKnownByHeart() throws {
        let environment = try TokenCase(id: "key-chain").make()
        var lengths: [Bool: Set<Int>] = [:]
        for id in 0..<UInt32(200) {
            let task = environment.task(id)
            let isKnown = !environment.vocabulary.decode(task.prompt).contains("@")
            lengths[isKnown, default: []].insert(environment.demonstration(task, choice: 1)!.count)
        }
        #expect(lengths == [true: [3], false: [8, 13, 18]])
    }
}
