//! `ferropay doctor` finds what is wrong, says what to do about it, and changes nothing.
#![cfg(test)]

use ferropay_test_postgres::{Database, Locked, Server};
use ferropay_tests::{Ran, World, binary::run, ferropay};
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A place in which everything is in order, as a service would have it.
struct Place {
    directory: TempDir,
    config: String,
}

impl Place {
    /// A database that exists, keys of its own, and a configuration file that names both.
    fn new() -> Self {
        let place = Self::on(None);
        place.make(&place.database());
        place
    }

    /// The same without anything in the database, or for a database elsewhere.
    fn on(database: Option<&str>) -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("data")).unwrap();
        fs::create_dir(at("keys")).unwrap();
        fs::set_permissions(at("keys"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(at("keys/master.key"), [7; 32]).unwrap();
        fs::set_permissions(at("keys/master.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let file = format!("sqlite:{}", at("data/ferropay.db").display());
        let config = format!(
            "database = \"{}\"\nkeys = \"{}\"\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             public_url = \"https://pay.example.com\"\ncallback_sources = [\"198.51.100.7\"]\n",
            database.unwrap_or(&file),
            at("keys").display(),
        );
        Self { directory, config }
    }

    /// Has the database made, with a project in it.
    fn make(&self, database: &str) {
        let keys = self.keys();
        ferropay_tests::Place::shared(database, &self.at("keys")).make(&self.at("keys"));
        run(&["project", "create", "2001", "--name", "Shop", "--database", database, "--keys", &keys]).good();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn database(&self) -> String {
        format!("sqlite:{}", self.at("data/ferropay.db").display())
    }

    fn keys(&self) -> String {
        self.at("keys").display().to_string()
    }

    /// What doctor says of the place, with these lines at the end of the file and these options.
    fn examined(&self, more: &str, options: &[&str]) -> Said {
        fs::write(self.at("ferropay.toml"), format!("{}{more}", self.config)).unwrap();
        let mut command = ferropay();
        command.args(["doctor", "--json", "--config"]).arg(self.at("ferropay.toml")).args(options);
        Said::of(&Ran::of(&mut command))
    }
}

/// The findings.
struct Said {
    ok: bool,
    findings: Vec<Value>,
}

impl Said {
    fn of(ran: &Ran) -> Self {
        let read: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
        let findings = read["findings"].as_array().unwrap().clone();
        assert_eq!(read["sound"], ran.ok, "the status says the same");
        for finding in &findings {
            let is_ok = finding["state"] == "ok";
            assert_eq!(
                is_ok,
                finding.get("advice").is_none(),
                "advice where something is to be done: {finding}"
            );
        }
        Self { ok: ran.ok, findings }
    }

    /// Fails the test unless a finding of this area and state says `part`.
    fn says(&self, area: &str, state: &str, part: &str) {
        let found = self.findings.iter().any(|it| {
            it["area"] == area && it["state"] == state && it["what"].as_str().unwrap().contains(part)
        });
        assert!(found, "no {state} of {area} says {part:?}: {:#?}", self.findings);
        assert!(self.ok || state != "warning" || self.any_problem());
    }

    fn problem(&self, area: &str, part: &str) {
        self.says(area, "problem", part);
        assert!(!self.ok, "the status tells of problems");
    }

    fn any_problem(&self) -> bool {
        self.findings.iter().any(|it| it["state"] == "problem")
    }
}

/// A port of this machine on which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everything_is_in_order_it_says_so_and_changes_nothing() {
    let place = Place::new();
    let before = contents(place.directory.path());
    let said = place.examined("", &[]);
    assert!(said.ok, "{:#?}", said.findings);
    for (area, part) in [
        ("configuration", "every key is known"),
        ("database", "opens, schema version"),
        ("database", "its structure is whole"),
        ("keys", "the master key of this database"),
        ("ports", "--listen 127.0.0.1:0 is free"),
        ("callbacks", "198.51.100.7"),
        ("disk", "MiB are free"),
        ("disk", "a sync takes"),
    ] {
        said.says(area, "ok", part);
    }
    fs::remove_file(place.at("ferropay.toml")).unwrap();
    assert_eq!(contents(place.directory.path()), before);
}

/// Every file below a directory with its content.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if !path.to_string_lossy().ends_with("-shm") {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_used_is_told_with_the_key_at_fault() {
    let place = Place::new();
    place.examined("lisen = \"127.0.0.1:1\"\n", &[]).problem("configuration", "lisen");
    place.examined("acquirer_timeout = \"soon\"\n", &[]).problem("configuration", "acquirer_timeout");
    place
        .examined("[[provider_limits]]\nburst = 3\n", &[])
        .problem("configuration", "burst needs per_second");
    let acquirer = |zone: &str| {
        format!(
            "[[acquirers]]\naccount = 2\naddress = \"127.0.0.1:{}\"\nacquirer_id = \"606213\"\nterminal_id = \"T\"\n\
             merchant_id = \"M\"\ncategory = 5812\nstatement_name = \"A\"\nstatement_town = \"B\"\n\
             statement_country = \"GB\"\ntime_zone = \"{zone}\"\n",
            free_port()
        )
    };
    place.examined(&acquirer("Europe/Atlantis"), &[]).problem("configuration", "Europe/Atlantis");
    place.examined(&acquirer("Europe/London"), &[]).problem("providers", "cannot be reached");
    let twice = [acquirer("Europe/London"), acquirer("Europe/London")].concat();
    place.examined(&twice, &[]).problem("configuration", "another provider of this file has that number");
    let nobodys = "[[provider_limits]]\naccount = 20\nper_second = 1\n";
    place.examined(nobodys, &[]).problem("configuration", "account 20: no provider");
    let long = acquirer("Europe/London").replace("\"T\"", "\"TERM0001-TOO-LONG\"");
    place.examined(&long, &[]).problem("configuration", "acquirer account 2 is not configured right");
    let three_ds = "[three_ds]\ndirectory_url = \"http://ds.example\"\nserver_reference = \"r\"\nrequestor_id = \"i\"\n\
        requestor_name = \"n\"\nacquirer_bin = \"606213\"\nacquirer_merchant_id = \"m\"\ncountry = \"GB\"\n";
    place.examined(three_ds, &[]).problem("configuration", "3-D Secure is not configured right");
    let unread = format!("{three_ds}identity = \"no-such.pem\"\n");
    place.examined(&unread, &[]).problem("configuration", "no-such.pem cannot be read");
    let mail = "smtp_url = \"ftp://user:HUSHED@mail.example\"\nmail_sender = \"a@example.com\"\n";
    let said = place.examined(mail, &[]);
    said.problem("configuration", "the mail server's address has to be");
    assert!(!format!("{:?}", said.findings).contains("HUSHED"));
    let no_file = run(&["doctor", "--json", "--config", "no-such.toml"]);
    Said::of(&no_file).problem("configuration", "no-such.toml");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_passwords_that_everybody_can_read_is_told() {
    let place = Place::new();
    let mail = TcpListener::bind("127.0.0.1:0").unwrap();
    let more = format!(
        "smtp_url = \"smtp://user:password@{}\"\nmail_sender = \"a@example.com\"\n",
        mail.local_addr().unwrap()
    );
    let said = place.examined(&more, &[]);
    said.says("configuration", "warning", "may hold a password");
    said.says("providers", "ok", "mail server");
    assert!(!format!("{:?}", said.findings).contains("user:password"));
    let server = "database = \"postgres://pay:HUSHED@127.0.0.1:1/pay\"\n";
    let with_server = |place: &Place| {
        let config = place.config.lines().filter(|line| !line.starts_with("database")).collect::<Vec<_>>();
        Place { config: format!("{}\n", config.join("\n")), directory: tempfile::tempdir().unwrap() }
    };
    let said = with_server(&place).examined(server, &[]);
    said.says("configuration", "warning", "may hold a password");
    assert!(!format!("{:?}", said.findings).contains("HUSHED"));
    let provider = |base: &str, secret: &str| {
        fs::write(place.at("secret"), secret).unwrap();
        format!(
            "[[method_providers]]\naccount = 3\nbase_url = \"{base}\"\nmerchant = \"m\"\nsecret_file = \"{}\"\n",
            place.at("secret").display()
        )
    };
    let here = format!("http://{}", mail.local_addr().unwrap());
    let said = place.examined(&provider(&here, "a secret of sixteen letters or more"), &[]);
    said.says("configuration", "warning", "everybody can read the secret");
    said.says("providers", "ok", "method provider account 3");
    place.examined(&provider(&here, "short"), &[]).problem("configuration", "fewer than 16 bytes");
    let clear =
        place.examined(&provider("http://provider.invalid", "a secret of sixteen letters or more"), &[]);
    clear.problem("providers", "in the clear");
    clear.problem("providers", "provider.invalid");
    fs::remove_file(place.at("secret")).unwrap();
    let gone = format!(
        "[[method_providers]]\naccount = 3\nbase_url = \"{here}\"\nmerchant = \"m\"\nsecret_file = \"{}\"\n",
        place.at("secret").display()
    );
    place.examined(&gone, &[]).problem("configuration", "cannot be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_missing_exposed_malformed_or_of_another_database_are_told() {
    let place = Place::new();
    let key = place.at("keys/master.key");
    fs::set_permissions(place.at("keys"), fs::Permissions::from_mode(0o755)).unwrap();
    place.examined("", &[]).says("keys", "warning", "others may look into");
    fs::set_permissions(place.at("keys"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    place.examined("", &[]).problem("keys", "can be read by others");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, [8; 32]).unwrap();
    place.examined("", &[]).problem("keys", "does not open");
    fs::write(&key, [8; 31]).unwrap();
    place.examined("", &[]).problem("keys", "wrong length");
    fs::remove_file(&key).unwrap();
    place.examined("", &[]).problem("keys", "master.key");
    let inside = place.at("data/keys");
    fs::rename(place.at("keys"), &inside).unwrap();
    fs::write(inside.join("master.key"), [7; 32]).unwrap();
    fs::set_permissions(inside.join("master.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let said = place.examined("", &["--keys", inside.to_str().unwrap()]);
    said.says("keys", "warning", "below the directory of the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_damaged_foreign_newer_or_nowhere_is_told() {
    let place = Place::new();
    let file = place.at("data/ferropay.db");
    let good = fs::read(&file).unwrap();

    let change = |sql: &str| rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    change("PRAGMA user_version = 9999");
    place.examined("", &[]).problem("database", "9999");
    change("PRAGMA user_version = 9");
    place.examined("", &[]).says("database", "warning", "is brought to");
    fs::write(&file, &good).unwrap();

    let mut damaged = good.clone();
    for byte in damaged.iter_mut().skip(8 * 4096).step_by(97) {
        *byte ^= 0x5a;
    }
    fs::write(&file, &damaged).unwrap();
    let said = place.examined("", &[]);
    assert!(!said.ok && said.findings.iter().any(|it| it["area"] == "database" && it["state"] == "problem"));
    fs::write(&file, "this is a letter and no database, however long it may be\n".repeat(99)).unwrap();
    place.examined("", &[]).problem("database", "not a Ferropay database");
    fs::write(&file, "").unwrap();
    place.examined("", &[]).problem("database", "is empty");
    // Of a file that was not closed everything may stand in its log.
    let mut unclosed = good.clone();
    unclosed[18..20].copy_from_slice(&[2, 2]);
    fs::write(&file, &unclosed).unwrap();
    place.examined("", &[]).problem("database", "ferropay.db-wal is missing");
    place.examined("", &["--recovery-hold"]).says("database", "ok", "opens, schema version");
    fs::write(&file, &good).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    place.examined("", &[]).says("database", "warning", "everybody can read");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let nowhere = format!("sqlite:{}", place.at("nowhere/ferropay.db").display());
    place.examined("", &["--database", &nowhere]).problem("database", "does not exist");
    let new = format!("sqlite:{}", place.at("data/new.db").display());
    place.examined("", &["--database", &new]).says("database", "ok", "will be made");
    assert!(!place.at("data/new.db").exists());

    fs::write(&file, &good).unwrap();
    change("UPDATE nodes SET enrolled_at = enrolled_at + 864000000000");
    change(
        "INSERT INTO nodes (id, number, enrolled_at) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM nodes), 7, 4000000000000000)",
    );
    place.examined("", &[]).problem("clock", "was used");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_hold_is_told_and_one_that_would_begin_again() {
    let place = Place::new();
    let file = place.at("data/ferropay.db");
    let change = |sql: &str| rusqlite::Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    place.examined("recovery_hold = true\n", &[]).says("database", "warning", "recovery_hold is configured");
    change(
        "INSERT INTO recovery (id, copied_at, held_since, released_at, highest_known) VALUES (1, 5, 7, NULL, 0)",
    );
    place.examined("", &[]).says("database", "warning", "it is in recovery hold");
    change("UPDATE recovery SET released_at = 9");
    let said = place.examined("", &[]);
    let told = said.findings.iter().find(|it| it["what"].as_str().unwrap().contains("recovery hold"));
    assert_eq!(told, None);
    place.examined("recovery_hold = true\n", &[]).says(
        "database",
        "warning",
        "its recovery hold was ended, and recovery_hold is still configured",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_are_taken_not_ours_or_wanted_twice_are_told() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = place.examined("", &["--listen", &address]);
    said.problem("ports", &format!("(process {})", std::process::id()));
    place.examined("", &["--listen", "192.0.2.1:8080"]).problem("ports", "192.0.2.1:8080");
    let port = free_port();
    let one = format!("127.0.0.1:{port}");
    let said = place.examined("", &["--sandbox", "--simulators-listen", &one, "--acquirer-listen", &one]);
    said.problem("ports", "wanted twice");
    place.examined("callback_sources = []\n", &[]).problem("configuration", "callback_sources");
    let said = place.examined("", &["--callback-source", "10.0.0.1"]);
    said.says("callbacks", "warning", "10.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_serving_platform_it_finds_that_platform() {
    let world = World::start(&[]).await;
    world.paid("order-1").await;
    let Ran { out, ok, err } = Ran::of(
        ferropay()
            .args(["doctor", "--sandbox", "--listen", world.platform.address(), "--database"])
            .arg(world.platform.database())
            .args(["--simulators-listen", "127.0.0.1:0", "--acquirer-listen", "127.0.0.1:0"]),
    );
    assert!(ok, "{out}{err}");
    let process = format!("(process {})", world.platform.process());
    let found = out.lines().find(|line| line.contains("is served by a platform that is ready"));
    assert!(found.is_some_and(|line| line.contains(&process)), "{out}");
    assert!(out.contains("ok       database"), "{out}");
    world.paid("order-2").await;
    world.quiet(ferropay_tests::seconds(10)).await;
    world.assert_sound();
}

#[test]
fn few_files_that_may_be_open_are_told() {
    let place = Place::new();
    fs::write(place.at("ferropay.toml"), &place.config).unwrap();
    let examined = |most: u32| {
        let binary = std::env::var("FERROPAY_BIN").expect("FERROPAY_BIN says where the built binary is");
        let script = format!("ulimit -n {most} && exec \"$0\" doctor --json --config \"$1\"");
        let mut command = std::process::Command::new("bash");
        command.args(["-c", &script, &binary]).arg(place.at("ferropay.toml"));
        let output = command.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        Said::of(&Ran { ok: output.status.success(), out, err: String::new() })
    };
    examined(2_000).says("open files", "warning", "2000");
    examined(300).problem("open files", "300");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_which_everything_is_in_order_is_told_so() {
    let server = Server::start(&["fsync=on", "full_page_writes=on"]);
    // The server asks for no password; one that is given is not shown.
    let url = server.url("postgres").replace("ferropay@", "ferropay:hushed@");
    let place = Place::on(Some(&url));
    let said = place.examined("", &[]);
    assert!(said.ok, "{:#?}", said.findings);
    said.says("database", "ok", "it is empty");
    place.make(&url);
    let said = place.examined("", &["--full"]);
    assert!(said.ok, "{:#?}", said.findings);
    for (area, part) in [
        ("database", "answers, PostgreSQL 1"),
        ("database", "schema version"),
        ("database", "the books balance"),
        ("server", "what is committed is on disk"),
        ("server", "connections of the server are in use; 0 nodes and one more need"),
        ("clock", "ms ahead of this machine's"),
        ("nodes", "none runs on it"),
        ("keys", "the master key of this database"),
        ("keys", "everything that is sealed has its key"),
    ] {
        said.says(area, "ok", part);
    }
    said.says("server", "warning", "no replica is connected");
    assert!(!format!("{:?}", said.findings).contains("hushed"));
    fs::write(place.at("ferropay.toml"), &place.config).unwrap();
    let mut command = ferropay();
    let shown = Ran::of(command.args(["doctor", "--config"]).arg(place.at("ferropay.toml")));
    assert!(shown.ok && !shown.out.contains("hushed"), "{}{}", shown.out, shown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_server_or_its_database_is_told_with_what_to_do() {
    let database = Database::new();
    let place = Place::on(Some(&database.url()));
    // The server of tests is not set to keep anything.
    place.examined("", &[]).problem("server", "fsync is off");
    place.make(&database.url());
    database.run("UPDATE nodes SET lives_until = 0");
    database.run(
        "INSERT INTO recovery (id, copied_at, held_since, released_at, highest_known) VALUES (1, 5, 7, NULL, 0)",
    );
    place.examined("", &[]).says("database", "warning", "it is in recovery hold");
    database.run("UPDATE recovery SET released_at = 9");
    let changed = |sql: &str| {
        database.run(sql);
        place.examined("", &["--full"])
    };
    database.run("DELETE FROM buckets");
    database.run(
        "INSERT INTO nodes (id, number, enrolled_at, lives_until)
            VALUES (900, 9, 1780000000000000, 9000000000000000)",
    );
    changed("INSERT INTO buckets (bucket, node, epoch, lease_until) VALUES (7, 900, 1, 9000000000000000)")
        .says("nodes", "ok", "1 live, and hold all");
    changed("UPDATE buckets SET lease_until = 1780000000000000").problem("nodes", "nobody has held 1 parts");
    database.run("DELETE FROM buckets; DELETE FROM nodes WHERE id = 900");
    changed("INSERT INTO cvv (operation, sealed_key, sealed) VALUES (1, 77, 'x')")
        .says("keys", "warning", "77");
    changed("INSERT INTO cards (project, key, sealed_key, sealed) VALUES (2001, gen_random_uuid(), 55, 'x')")
        .problem("keys", "data keys that are gone: 55");
    place.examined("", &["--full"]).problem("database", "do not agree");
    changed(
        "INSERT INTO operations (id, payment, project, kind, status, minor, currency, request, code, created_at, updated_at, detail)
            VALUES (1, gen_random_uuid(), 2001, 1, 2, 5, 978, gen_random_uuid(), 0, 1, 1, '{\"cryptogram\":\"66:00ff\"}')",
    )
    .problem("keys", "data keys that are gone: 55, 66");
    database.run("DELETE FROM operations");
    changed("DELETE FROM cards; UPDATE data_keys SET wrapped = 'x'").problem("keys", "key");
    changed("UPDATE schema_version SET version = 1").says("database", "warning", "is brought to");
    changed("UPDATE schema_version SET version = 9999").problem("database", "9999");
    changed("DROP TABLE schema_version").problem("database", "something else");
    let nowhere = format!("postgres://ferropay:hushed@127.0.0.1:{}/ferropay", free_port());
    let said = Place::on(Some(&nowhere)).examined("", &[]);
    said.problem("database", "postgres://ferropay@127.0.0.1");
    assert!(!format!("{:?}", said.findings).contains("hushed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_with_a_key_that_is_gone_is_told_of_a_file() {
    let place = Place::new();
    place.examined("", &[]).says("keys", "ok", "everything that is sealed has its key");
    let file = rusqlite::Connection::open(place.at("data/ferropay.db")).unwrap();
    file.execute_batch("UPDATE project_secrets SET sealed_key = 5").unwrap();
    drop(file);
    place.examined("", &[]).problem("keys", "data keys that are gone: 5");
    let file = rusqlite::Connection::open(place.at("data/ferropay.db")).unwrap();
    file.execute_batch(
        "UPDATE project_secrets SET sealed_key = (SELECT max(number) FROM data_keys);
         INSERT INTO operations (id, payment, project, kind, status, minor, currency, request, code, created_at, updated_at, detail)
         VALUES (1, zeroblob(16), 2001, 1, 2, 5, 978, zeroblob(16), 0, 1, 1, '{\"cryptogram\":\"66:00ff\"}')",
    )
    .unwrap();
    drop(file);
    place.examined("", &[]).problem("keys", "data keys that are gone: 66");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_counted_where_they_are_limited_also_for_a_role_that_may_not_look_at_others() {
    let server = Server::start(&[]);
    let all = Database::on(&server);
    all.run("CREATE TABLE things (number int)");
    all.beside("CREATE ROLE plain LOGIN CONNECTION LIMIT 40");
    all.beside("CREATE DATABASE shop OWNER plain");
    let url = server.url("shop").replace("ferropay@", "plain@");
    let place = Place::on(Some(&url));
    place.make(&url);
    let others: Vec<_> = (0..5).map(|_| Locked::all(&all.url())).collect();
    let said = place.examined("", &[]);
    said.says("server", "ok", "1 of 40 connections of the role are in use");
    all.beside("ALTER ROLE plain CONNECTION LIMIT -1");
    let said = place.examined("", &[]);
    said.says("server", "ok", "connections of the server are in use");
    assert!(!said.findings.iter().any(|it| it["what"].as_str().unwrap().starts_with("1 of")), "others count");
    drop(others);
    all.beside("ALTER DATABASE shop CONNECTION LIMIT 5");
    place.examined("", &[]).problem("server", "1 of 5 connections of the database are in use");
}
