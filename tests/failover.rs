//! The primary of two `PostgreSQL` servers dies, and an existing tool, `pg_auto_failover`, makes the synchronous replica the
//! primary: what was acknowledged is there, and everything else is done once. Built with the feature `failover`, since it needs
//! the tool's packages, which `./test --all` installs.
#![cfg(test)]

use ferropay_tests::{eventually, nodes::Nodes, seconds};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};
use tokio::time::Instant;

/// Two servers that `tests/failover.sh` runs; they end when this does.
struct Pair {
    url: String,
    script: Child,
    talk: Mutex<(Option<ChildStdin>, BufReader<ChildStdout>)>,
}

impl Pair {
    fn start() -> Self {
        let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("failover.sh"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever ends this process may end its whole group, which would leave the servers behind.
            .process_group(0)
            .spawn()
            .unwrap();
        let (input, output) = (script.stdin.take(), BufReader::new(script.stdout.take().unwrap()));
        let mut pair = Self { url: String::new(), script, talk: Mutex::new((input, output)) };
        pair.url = pair.line();
        assert!(pair.url.starts_with("postgres://"), "the servers do not start; see above");
        pair
    }

    fn line(&self) -> String {
        let mut line = String::new();
        self.talk.lock().unwrap().1.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn ask(&self, command: &str) -> String {
        tokio::task::block_in_place(|| {
            writeln!(self.talk.lock().unwrap().0.as_mut().unwrap(), "{command}").unwrap();
            self.line()
        })
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        drop(self.talk.lock().unwrap().0.take());
        drop(self.script.wait());
    }
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_primary_that_dies_is_replaced_by_its_synchronous_replica_under_load_and_nothing_is_lost() {
    let pair = Pair::start();
    let world = Nodes::start(&[pair.url.clone(), pair.url.clone()]).await;
    world.until_shared(seconds(20)).await;
    let crowd = world.crowd(8);
    tokio::time::sleep(seconds(3)).await;
    let before = pair.ask("primary");
    // Sales whose money has moved and whose answer is still to come are under way when it happens.
    world.acquirer.set_faults("FERROPAYSANDBOX", "late=1000@purchase").unwrap();
    tokio::time::sleep(seconds(1)).await;
    let executed = world.acquirer.book().counters.purchases_executed;
    assert!(executed > 50, "there was no load: {executed}");
    let killed = Instant::now();
    assert_eq!(pair.ask("kill"), before);
    world.acquirer.clear_faults("FERROPAYSANDBOX");
    let mut now = pair.ask("primary");
    while now == "none" {
        assert!(killed.elapsed() < seconds(90), "nobody was promoted");
        tokio::time::sleep(seconds(1)).await;
        now = pair.ask("primary");
    }
    assert_ne!(now, before, "the replica was promoted");
    let promoted = killed.elapsed();
    let again = || async { world.acquirer.book().counters.purchases_executed > executed + 100 };
    eventually("the nodes go on with the new primary", seconds(60), again).await;
    println!("promoted after {promoted:?}, sales go on after {:?}", killed.elapsed());
    world.until_shared(seconds(30)).await;
    let bought = world.settle(crowd, 0).await;
    assert_eq!(bought.unanswered, 0, "{bought:?}");
    assert!(bought.longest_answer < seconds(32), "{bought:?}");
    println!("{bought:?}");
}
