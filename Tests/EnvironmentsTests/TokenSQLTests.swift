import Environments
import Platform
import Testing

@Suite struct TokenSQLTests {
    private let environment = try! TokenCase(id: "sql").make()

    private func judge(_ question: String, _ query: String) throws -> Verdict {
        let vocabulary = environment.vocabulary
        return try environment.verify(TokenTask(id: 0, prompt: try vocabulary.encode(question)), (try vocabulary.encode(query) + [vocabulary.stop])[...])
    }

    @Test func queriesWithTheSameRowsAreCorrect() throws {
        for (question, right) in [
            (
                "name of emp with age>30?",
                [
                    "select name from emp where age>30", "select e.name from emp as e where 30<e.age;",
                    "with old as (select * from emp where age>=31) select name from old order by name",
                ]
            ),
            ("count of sale?", ["select count(*) from sale", "select count(id) from sale", "select sum(1) from sale"]),
            ("mean pay of emp per dept?", ["select dept,avg(pay) from emp group by dept", "select dept,sum(pay)*1.0/count(*) from emp group by dept"]),
            ("name,id of emp, 3 last by pay?", ["select name,id from emp order by pay desc limit 3"]),
            ("name of emp with dept.city=oslo?", ["select name from emp where dept in (select id from dept where city='oslo')"]),
            ("item of sale with emp.age<40?", ["select item from sale,emp where sale.emp=emp.id and age<40"]),
        ] {
            for query in right {
                let verdict = try judge(question, query)
                #expect(verdict.isCorrect && verdict.reward == 1 && verdict.parts[0] == 1 && verdict.parts[3] == 1, "\(query)")
            }
        }
    }

    @Test func partsTellHowNearAQueryIs() throws {
        func parts(_ query: String) throws -> [Float] { try judge("name of emp with age>30?", query).parts }
        #expect(try parts("select name from emp where age>29+1") == [1, 1, 1, 1])
        #expect(try parts("select name from emp where age>45") == [1, 1, 1, 0])
        #expect(try parts("select name from emp") == [1, 1, 0.5, 0])
        #expect(try parts("select emp.name,city from emp,dept where age>30") == [1, 0.5, 2 / 3, 0])
        #expect(try parts("select city from dept") == [1, 0, 0, 0])
        #expect(try parts("select 1") == [1, 0, 0, 0])
        #expect(try parts("select name from boss") == [0, 0, 0, 0])
        #expect(try parts("selct name from emp") == [0, 0, 0, 0])
        #expect(try abs(judge("name of emp with age>30?", "select name from emp").reward - 0.25) < 1e-6)
        // The order counts where the question asks for one.
        #expect(try !judge("name of emp, 3 first by pay?", "select name from (select name,pay from emp order by pay limit 3) order by pay desc").isCorrect)
        #expect(try !judge("name,age of emp?", "select age,name from emp").isCorrect)
    }

    @Test(arguments: [
        "drop table emp", "delete from emp", "insert into dept values('a','b',9)", "update emp set pay=0", "create table t(a)",
        "create temp table t(a)", "create view v as select 1", "attach 'x.db' as x", "attach ':memory:' as x", "detach main", "pragma user_version",
        "pragma writable_schema=1", "vacuum into 'x.db'", "begin", "commit", "savepoint s", "analyze", "reindex",
        "select * from sqlite_master", "select * from sqlite_schema", "select * from pragma_table_info('emp')", "select * from dbstat",
        "select load_extension('x')", "select readfile('x')", "select random()", "select randomblob(9)", "select hex(zeroblob(99999999))",
        "select printf('%999999d',1)", "select value from json_each('[1]')", "select name from emp; drop table emp", "select 1; select 2", "", ";", "--",
        "select", "/* */", "values(1) union select 1 from nothing",
    ]) func whatOnlyHarmsIsRefused(_ query: String) throws {
        #expect(try judge("name of emp with age>30?", query) == Verdict(reward: 0, isCorrect: false, parts: [0, 0, 0, 0]))
        // Nothing is changed for the next one.
        #expect(try judge("name of emp with age>30?", "select name from emp where age>30").isCorrect)
    }

    @Test(arguments: [
        "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c",
        "with recursive c(x) as (select 1 union all select x+1 from c) select x from c",
        "with recursive c(x) as (select 'a' union all select x||x from c) select max(length(x)) from c",
        "with recursive c(x) as (select 'a' union all select x||'aaaaaaaaaaaaaaaaaaaaaaaaaaaa' from c) select x from c order by x",
        "select count(*) from sale a,sale b,sale c,sale d,sale e,sale f,sale g,sale h",
        "select * from sale a,sale b,sale c,sale d order by a.n+b.n*c.n-d.n",
        "select a.item from sale a,sale b,sale c,sale d group by a.n*b.n,c.n*d.n,a.id,b.id,c.id",
        "with recursive a(x) as (select 1 union select x+1 from a), b(y) as (select 1 union select y+1 from b) select * from a,b",
        "select count(*) from sale a,sale b,sale c,sale d,emp e where e.name like '%a%b%c%d%e%f%' or a.item like '%%%%%%%%%%%%%%%%'",
    ]) func endlessQueriesAreStopped(_ query: String) throws {
        let start = Time.now
        let verdict = try judge("name of emp with age>30?", query)
        #expect(verdict == Verdict(reward: 0, isCorrect: false, parts: [0, 0, 0, 0]))
        #expect(Time.now - start < 1)
    }

    /// Long texts and deep nesting meet SQLite's own bounds.
    @Test func enormousQueriesAreRefused() throws {
        for query in [
            "select " + String(repeating: "(", count: 3000) + "1" + String(repeating: ")", count: 3000), "select " + String(repeating: "1+", count: 9000) + "1",
            String(repeating: "select 1 union ", count: 500) + "select 1", "select " + String(repeating: "*,", count: 900) + "* from emp",
        ] {
            #expect(try judge("count of emp?", query).parts == [0, 0, 0, 0])
        }
    }

    @Test func everyKindOfQuestionIsAskedAndFits() throws {
        var (prompts, queries) = (0, 0)
        for id in 0..<UInt32(20_000) {
            let task = environment.task(id)
            prompts = max(prompts, task.prompt.count)
            queries = max(queries, try #require(environment.demonstration(task, choice: 0)).count)
        }
        #expect(prompts <= environment.longestPrompt && queries <= environment.longestResponse)
        // No more room than is needed.
        #expect(prompts > environment.longestPrompt - 8 && queries > environment.longestResponse - 8, "\(prompts) \(queries)")
    }

    /// A query that is right by chance is seldom: two databases tell answers of different questions apart.
    @Test func otherQuestionsQueriesAreMostlyWrong() throws {
        var (asked, correct) = (0, 0)
        for id in 0..<UInt32(300) {
            let (task, other) = (environment.task(id), environment.task(id + 5000))
            guard task.prompt != other.prompt, let query = environment.demonstration(other, choice: 0) else { continue }
            asked += 1
            correct += try environment.verify(task, query[...]).isCorrect ? 1 : 0
        }
        #expect(asked > 250 && correct < asked / 50, "\(correct) of \(asked)")
    }
}
