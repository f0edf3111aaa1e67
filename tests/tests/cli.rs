//! The command line, as an operator meets it.
#![cfg(test)]

use ferropay_tests::{
    Audit, Database, Merchant, Place, Platform, Ran, Start, World, binary::run, cards, eventually, ferropay,
    seconds,
};
use jiff::tz::TimeZone;
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

const DOCUMENT: &str =
    r#"{"general":{"project_id":42,"payment_id":"456789"},"payment":{"amount":400,"currency":"USD"}}"#;
const CANONICAL: &str =
    "general:payment_id:456789;general:project_id:42;payment:amount:400;payment:currency:USD";
const SIGNATURE: &str =
    "vUR0jZNz73yVTRPRZKFN1smKYQmRYCnbbPIjifOhXK6uyiUrL6CdTvk74f8hK4phcsur8sY6nqJwGPfcP2lEgA==";

fn file(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

// G-035 G-036
#[test]
fn sign_prints_canonical_string_and_signature() {
    let directory = tempfile::tempdir().unwrap();
    let document = file(directory.path(), "document.json", DOCUMENT);
    let said = run(&["sign", "--secret", "secret", &document]).good();
    assert_eq!(said, format!("{CANONICAL}\n{SIGNATURE}\n"));

    // The published vector, from standard input, with the secret where a shell's history does not keep it.
    let published = r#"{"customer_id":5,"payment_amount":30,"payment_currency":"RUB","payment_id":"payment1","project_id":115}"#;
    let input = fs::File::open(file(directory.path(), "published.json", published)).unwrap();
    let said =
        Ran::of(ferropay().arg("sign").env("FERROPAY_SECRET", "12345").stdin(Stdio::from(input))).good();
    assert_eq!(
        said,
        "customer_id:5;payment_amount:30;payment_currency:RUB;payment_id:payment1;project_id:115\n\
         pVmAtGFBQJD2NgLToP1B2elR4QROiYGi3IobPD9PFDfrkjBqdSCFgrVSEtebVJUzOUUHX5tPnHQq9RMn61679A==\n"
    );
}

// G-035 G-038
#[test]
fn sign_verify_explains_a_mismatch() {
    let directory = tempfile::tempdir().unwrap();
    let signed = |signature: &str| {
        DOCUMENT.replace("\"456789\"", &format!("\"456789\",\"signature\":\"{signature}\""))
    };
    let check = |name: &str, content: &str| {
        run(&["sign", "--verify", "--secret", "secret", &file(directory.path(), name, content)])
    };
    let right = check("right.json", &signed(SIGNATURE));
    assert!(right.ok && right.out.contains("is right"), "{right:?}");

    let other = check("other.json", &signed("AAAA"));
    assert!(!other.ok);
    for part in ["AAAA", SIGNATURE, CANONICAL, "is wrong"] {
        assert!(other.out.contains(part), "{part} is not in {}", other.out);
    }
    // Signed before the amount was changed from text to a number is another content; signed in hexadecimal is a known
    // mistake and is named.
    let hexadecimal: String = {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let hexadecimal = STANDARD.decode(SIGNATURE).unwrap().into_iter().map(|byte| format!("{byte:02x}"));
        hexadecimal.collect::<Vec<_>>().concat()
    };
    let mistaken = check("hexadecimal.json", &signed(&hexadecimal));
    assert!(!mistaken.ok && mistaken.out.to_lowercase().contains("hex"), "{}", mistaken.out);
    let unsigned = check("unsigned.json", DOCUMENT);
    assert!(!unsigned.ok && unsigned.out.contains("(none)"), "{}", unsigned.out);
    let broken = check("broken.json", "{\"general\":");
    assert!(
        !broken.ok && broken.err.contains("not a document") && broken.err.contains("line 1"),
        "{}",
        broken.err
    );
    assert!(!check("missing.json", "").ok);
}

/// The commands of a help page with their descriptions, as far as they fit a line.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("Commands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    let named = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn every_command_says_what_it_does() {
    let top = run(&["--help"]).good();
    let names = commands(&top);
    for expected in ["demo", "serve", "sign", "bench", "verify", "project", "clock", "callbacks"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:?}");
    }
    let mut pages = vec![(vec![], top)];
    for name in names.iter().filter(|name| *name != "help") {
        let page = run(&[name, "--help"]).good();
        for below in commands(&page).iter().filter(|name| *name != "help") {
            pages.push((vec![name.clone(), below.clone()], run(&[name, below, "--help"]).good()));
        }
        pages.push((vec![name.clone()], page));
    }
    assert!(pages.len() > 15, "{} pages", pages.len());
    for (command, page) in &pages {
        let first = page.lines().next().unwrap_or_default();
        assert!(first.split(' ').count() >= 3 && !first.starts_with("Usage"), "{command:?}: {first:?}");
        // Each option and argument has a description, on its line or on the next.
        let lines: Vec<&str> = page
            .lines()
            .skip_while(|line| !line.ends_with("ptions:") && !line.ends_with("uments:"))
            .collect();
        for (at, line) in lines.iter().enumerate() {
            let trimmed = line.trim_start();
            let indented = line.len() - trimmed.len() < 8;
            if indented && trimmed.starts_with(['-', '[', '<']) {
                let described = trimmed.contains("  ")
                    || lines.get(at + 1).is_some_and(|next| next.starts_with("          "));
                assert!(described, "{command:?}: nothing is said about {trimmed:?}");
            }
        }
    }
    assert!(run(&["--version"]).good().starts_with("ferropay "));
}

#[test]
fn wrong_options_are_answered_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("absent.db");
    let absent = format!("sqlite:{}", absent.display());
    let keys = directory.path().join("keys").display().to_string();
    let unused = format!("sqlite:{}", directory.path().join("unused.db").display());
    let foreign = format!("sqlite:{}", file(directory.path(), "foreign.db", &"not a database ".repeat(100)));
    let config = file(directory.path(), "unknown.toml", "lisen = \"127.0.0.1:0\"\n");
    let no_config = directory.path().join("none.toml");
    let cases: &[(&[&str], &str)] = &[
        (&["serv"], "serve"),
        (&["serve", "--lisen", "127.0.0.1:0"], "--listen"),
        (&["serve", "--listen", "nowhere"], "--listen"),
        (&["serve", "--sandbox", "--database", "mysql://localhost"], "sqlite:PATH"),
        (&["serve", "--sandbox", "--database", "postgres://localhost/x"], "key directory"),
        (&["serve", "--sandbox", "--database", &foreign], "foreign.db"),
        (&["serve", "--sandbox", "--sandbox-project", "0", "--database", &absent], "--sandbox-project"),
        (&["serve", "--config", &config], "lisen"),
        (&["serve", "--config", no_config.to_str().unwrap()], "none.toml"),
        (&["serve", "--sandbox", "--crash-at", "accept.after-commit:x", "--database", &unused], "no number"),
        (&["serve", "--keys", "x", "--crash-at", "accept.after-commit", "--database", &absent], "--crash-at"),
        (
            &["serve", "--keys", "x", "--sandbox-acquirer", "127.0.0.1:1", "--database", &absent],
            "--sandbox-acquirer",
        ),
        (&["verify", "--database", &absent], "does not exist"),
        (&["project", "list", "--database", &absent], "does not exist"),
        (&["clock", "show", "1001", "--database", &absent], "does not exist"),
        (&["callbacks", "list", "--database", &absent], "does not exist"),
        (&["project", "create", "7", "--keys", &keys, "--database", &absent], "does not exist"),
        (&["recover", "check", "--keys", &keys, "--database", &absent], "does not exist"),
        (&["recover", "settle", "7", "done", "--database", &absent], "does not exist"),
        (&["sign"], "--secret"),
    ];
    for (arguments, advice) in cases {
        let ran = run(arguments);
        assert!(!ran.ok, "{arguments:?} succeeded: {}", ran.out);
        assert!(ran.err.contains(advice), "{arguments:?} does not mention {advice:?}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{arguments:?}: {}", ran.err);
    }
    assert!(!Path::new(absent.trim_start_matches("sqlite:")).exists(), "no command has made it");
}

#[test]
fn a_platform_that_is_no_sandbox_does_not_start_without_keys() {
    let directory = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", directory.path().join("ferropay.db").display());
    let refused = run(&["serve", "--listen", "127.0.0.1:0", "--database", &database]);
    assert!(
        !refused.ok && refused.err.contains("--keys") && refused.err.contains("--sandbox"),
        "{}",
        refused.err
    );
    // Keys that are not there are not made up.
    let keys = directory.path().join("keys");
    let refused =
        run(&["serve", "--listen", "127.0.0.1:0", "--database", &database, "--keys", keys.to_str().unwrap()]);
    assert!(!refused.ok && refused.err.contains("key"), "{}", refused.err);
    assert!(!keys.exists());
}

// The options for addresses are named when an address cannot be used.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_is_named_with_its_option() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--listen", "--simulators-listen", "--acquirer-listen"] {
        let place = Place::in_directory(directory.path());
        let free =
            ["--listen", "--simulators-listen", "--acquirer-listen"].into_iter().filter(|it| *it != option);
        let free: Vec<&str> = free.flat_map(|option| [option, "127.0.0.1:0"]).collect();
        let mut command = ferropay();
        place.give_to(command.args(["serve", "--sandbox", option, &address]));
        let ran = Ran::of(command.args(free));
        assert!(!ran.ok && ran.err.contains(&address) && ran.err.contains(option), "{option}: {}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_later_version_is_left_alone() {
    let mut world = World::start(&[]).await;
    world.paid("before").await;
    world.quiet(seconds(20)).await;
    world.platform.stop().await;
    let version = Database::of(&world.platform).set_schema_version(999);
    let start = world.start.clone();
    let refused = world.platform.try_start(&start).await.unwrap_err();
    assert!(refused.contains("999"), "{refused}");
    assert!(!Audit::of(&world.platform).sound);
    assert!(!world.platform.command(&["project", "list"]).ok);
    Database::of(&world.platform).set_schema_version(version);
    world.restart().await;
    assert_eq!(world.platform.status("before").await.json["payment"]["status"], "success");
    world.assert_sound();
}

/// The secret a command has printed on a line of its own.
fn secret(said: &str) -> String {
    said.lines().last().unwrap().trim().to_owned()
}

// G-007 G-033 D-470 D-471
#[tokio::test(flavor = "multi_thread")]
async fn projects_are_made_shown_and_changed_while_nothing_runs() {
    let mut world = World::start(&[]).await;
    world.platform.stop().await;
    let platform = &world.platform;
    let url = world.receiver.url("/second");
    let said =
        platform.command(&["project", "create", "2002", "--name", "Second", "--callback-url", &url]).good();
    let own = secret(&said);
    assert_eq!(own.len(), 64, "{said}");
    assert!(!platform.command(&["project", "create", "2002"]).ok, "it exists already");
    assert!(!platform.command(&["project", "create", "0"]).ok, "projects are numbered from 1");
    let real =
        platform.command(&["project", "create", "3003", "--production", "--callback-url", &url]).good();
    let listed = platform.command(&["project", "list"]).good();
    let line =
        |number: &str| listed.lines().find(|line| line.contains(number)).unwrap_or_default().to_owned();
    assert!(line("1001").contains("test"), "{listed}");
    assert!(line("2002").contains("test") && line("2002").contains("Second"), "{listed}");
    assert!(line("3003").contains("production"), "{listed}");
    let set =
        ["project", "set", "2002", "legacy_minimum=true", "refund_interval_seconds=5", "sale_fee.rate=0.029"];
    platform.command(&set).good();
    let shown = platform.command(&["project", "show", "2002"]).good();
    for part in ["\"legacy_minimum\": true", "\"refund_interval_seconds\": 5", "0.029", &url] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains(&own), "the secret is shown only once");
    for (wrong, advice) in [
        (&["project", "set", "2002", "no_such=1"][..], "no_such"),
        (&["project", "set", "2002", "legacy_minimum"], "NAME=VALUE"),
        (&["project", "set", "2002", "refund_interval_seconds=soon"], "does not fit"),
        (&["project", "set", "2002", "sale_fee.rate=-1"], "sale_fee"),
        (&["project", "set", "2002", "series_utc_offset_minutes=1000"], "series_utc_offset_minutes"),
        (&["project", "set", "2002", "mail.sender=nobody"], "mail.sender"),
        (&["project", "show", "4004"], "project list"),
        (&["project", "rotate-secret", "4004"], "4004"),
    ] {
        let ran = platform.command(wrong);
        assert!(!ran.ok && ran.err.contains(advice), "{wrong:?}: {}{}", ran.out, ran.err);
    }
    world.restart().await;

    let second = Merchant::new(2002, &own);
    let sale_url = format!("{}/v2/payment/card/sale", world.platform.base());
    let mut body = second.sale("second", cards::APPROVED, 10_000);
    // The project asks for less.
    for member in ["email", "phone", "screen_res"] {
        body["customer"].as_object_mut().unwrap().remove(member);
    }
    let taken = second.try_post(&sale_url, &second.signed(body.clone()), None).await.unwrap();
    let callback = world.receiver.final_of(&taken.request_id(), seconds(20)).await;
    assert_eq!((callback.path.as_str(), callback.operation().1), ("/second", "success"), "{}", callback.text);
    let stranger = Merchant::new(2002, "another secret");
    let refused = stranger.try_post(&sale_url, &stranger.signed(body), None).await.unwrap();
    assert_eq!(refused.code(), Some(3261));
    // The same name in another project is another payment.
    world.paid("second").await;
    let balances = world.platform.command(&["project", "balances", "2002"]).good();
    assert!(balances.contains("merchant") && balances.contains("fees"), "{balances}");

    // D-474: what is real never reaches an emulator.
    let real = Merchant::new(3003, &secret(&real));
    let body = real.signed(real.sale("real", cards::APPROVED, 1000));
    let taken = real.try_post(&sale_url, &body, Some("duplicate")).await.unwrap();
    let callback = world.receiver.final_of(&taken.request_id(), seconds(20)).await;
    assert_eq!((callback.operation().1, callback.code()), ("decline", "314"), "{}", callback.text);
    assert_eq!(world.acquirer.book().counters.purchases_executed, 2);
    world.quiet(seconds(20)).await;
    assert!(Audit::of(&world.platform).sound);
}

// G-041
#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_are_valid_while_a_project_changes_from_one_to_the_other() {
    let mut world = World::start(&[]).await;
    world.platform.stop().await;
    let url = world.receiver.url("/rotated");
    let first =
        secret(&world.platform.command(&["project", "create", "2002", "--callback-url", &url]).good());
    world.restart().await;
    let sale_url = format!("{}/v2/payment/card/sale", world.platform.base());
    let code_with = |secret: &str, name: &str| {
        let (merchant, url) = (Merchant::new(2002, secret), sale_url.clone());
        let body = merchant.signed(merchant.sale(name, cards::APPROVED, 1000));
        async move { merchant.try_post(&url, &body, None).await.unwrap() }
    };
    code_with(&first, "first").await.request_id();
    let second = secret(&world.platform.command(&["project", "rotate-secret", "2002"]).good());
    assert_ne!(first, second);
    // It is taken as soon as the command has ended.
    code_with(&second, "second").await.request_id();
    code_with(&first, "third").await.request_id();
    // Callbacks are signed with the new one.
    let told = || async { world.receiver.about("third").len() == 1 };
    eventually("the callback comes", seconds(20), told).await;
    assert!(ferropay_tests::sign::is_signed(&world.receiver.about("third")[0].text, &second));
    assert!(ferropay_tests::sign::is_signed(&world.receiver.about("first")[0].text, &first));
    // Without overlap the one before ends at once; the oldest has ended by then, too.
    let third =
        secret(&world.platform.command(&["project", "rotate-secret", "2002", "--overlap-hours", "0"]).good());
    code_with(&third, "fourth").await.request_id();
    for ended in [first, second] {
        assert_eq!(code_with(&ended, "fifth").await.code(), Some(3261));
    }
    // A secret that nobody has seen signs nothing, and a project whose secret nobody knows is not made.
    let listed = || world.platform.command(&["project", "secrets", "2002"]).good();
    let before = listed();
    for closed in [false, true] {
        let rotate = ["project", "rotate-secret", "2002", "--overlap-hours", "0"];
        let said = world.platform.command_without_output(&rotate, closed);
        assert!(said.contains("could not be printed, so nothing was changed"), "{said}");
        assert_eq!(listed(), before);
    }
    code_with(&third, "sixth").await.request_id();
    world.platform.command_without_output(&["project", "create", "2003"], false);
    assert!(!world.platform.command(&["project", "list"]).good().contains("2003"));
    world.quiet(seconds(20)).await;
    assert!(Audit::of(&world.platform).sound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_test_project_moves_forward_only() {
    let mut world = World::start(&[]).await;
    let shown = world.platform.command(&["clock", "show", "1001"]).good();
    assert!(shown.contains(" 0 s ahead") && shown.contains("no timer"), "{shown}");
    world.platform.command(&["clock", "advance", "1001", "90m"]).good();
    let shown = world.platform.command(&["clock", "show", "1001"]).good();
    assert!(shown.contains(" 5400 s ahead"), "{shown}");
    for (wrong, advice) in [("-5m", "-5"), ("5", "10m"), ("5 weeks", "10m"), ("99999999999999999d", "span")] {
        let ran = world.platform.command(&["clock", "advance", "1001", wrong]);
        assert!(!ran.ok && ran.err.contains(advice), "{wrong}: {}{}", ran.out, ran.err);
    }
    assert!(!world.platform.command(&["clock", "advance", "7777", "1h"]).ok);
    world.platform.stop().await;
    world.platform.command(&["project", "create", "3003", "--production"]).good();
    let refused = world.platform.command(&["clock", "advance", "3003", "1h"]);
    assert!(!refused.ok && refused.err.contains("production"), "{}", refused.err);
    // A restart does not set it back; payments live in its time.
    world.restart().await;
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let callback = world.paid("later").await;
    let date = callback.json["operation"]["created_date"].as_str().unwrap().replace('T', " ");
    let date: jiff::civil::DateTime = date[..19].parse().unwrap();
    let ahead = date.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second() - now;
    assert!((5400..=5500).contains(&ahead), "{ahead}");
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn options_come_from_the_command_line_then_the_environment_then_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let config = file(directory.path(), "ferropay.toml", "sandbox_project = 7\nacquirer_timeout = 1234\n");
    let mut platform = Platform::new(directory.path());
    let start = Start { options: vec!["--config".to_owned(), config.clone()], log: None };
    platform.start(&start).await;
    assert!(platform.command(&["project", "list"]).good().contains("         7  test"));
    assert!(platform.stop().await.success());
    let said = fs::read_to_string(directory.path().join("out.1")).unwrap();
    assert!(said.contains("project    7") && said.ends_with("Stopped.\n"), "{said}");

    // The sandbox's project is made before the end that is provoked here.
    let made_by = |name: &str, options: &[&str], environment: Option<&str>| {
        let place = Place::named(directory.path(), name);
        let mut command = ferropay();
        command.args([
            "serve",
            "--sandbox",
            "--listen",
            "127.0.0.1:0",
            "--crash-at",
            "nowhere",
            "--config",
            &config,
        ]);
        place.give_to(&mut command).args(options);
        if let Some(project) = environment {
            command.env("FERROPAY_SANDBOX_PROJECT", project);
        }
        assert!(Ran::of(&mut command).err.contains("--crash-at nowhere"));
        let listed = Ran::of(place.give_to(ferropay().args(["project", "list"]))).good();
        listed.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(made_by("all", &["--sandbox-project", "9"], Some("8")), "9");
    assert_eq!(made_by("environment", &[], Some("8")), "8");
    assert_eq!(made_by("file", &[], None), "7");
    let mut command = ferropay();
    command.args(["serve", "--sandbox", "--database", "sqlite:x.db"]).env("FERROPAY_LISTEN", "nowhere");
    let refused = Ran::of(&mut command);
    assert!(!refused.ok && refused.err.contains("LISTEN"), "{}", refused.err);
}

// What a sandbox tells about itself is enough to use it.
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_brings_its_own_simulators() {
    let directory = tempfile::tempdir().unwrap();
    let mut platform = Platform::new(directory.path());
    platform.start(&Start::default()).await;
    let control = platform.control.clone().expect("the simulators' address is printed");
    let request = platform.sale(platform.merchant.sale("inside", cards::APPROVED, 1000)).await.request_id();
    assert_eq!(request.len(), 32);
    let done = || async { platform.status("inside").await.json["payment"]["status"] == "success" };
    eventually("the sale is done", seconds(20), done).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let book = client.get(format!("{control}/acquirer/book")).send().await.unwrap().text().await.unwrap();
    let book: serde_json::Value = serde_json::from_str(&book).unwrap();
    assert_eq!(book["currencies"]["978"]["net"], 1000, "{book}");
    assert_eq!(book["counters"]["purchases_executed"], 1, "{book}");
    let health = client.get(format!("{}/healthz", platform.base())).send().await.unwrap();
    assert_eq!(health.status().as_u16(), 200);
    assert!(platform.stop().await.success());
    Audit::of(&platform).assert_settled();
}

// G-520
#[test]
fn risk_lists_are_kept_by_commands_and_show_no_card_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::named(directory.path(), "risk");
    let keys = directory.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("master.key"), [7; 32]).unwrap();
    fs::set_permissions(keys.join("master.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let cards = file(directory.path(), "cards.txt", "4242424242424242\n\n5413330000000019\n");
    let with = |words: &[&str], input: Option<&str>| {
        let stdin = input.map_or_else(Stdio::null, |path| Stdio::from(fs::File::open(path).unwrap()));
        Ran::of(place.give_to(ferropay().args(words)).env("FERROPAY_KEYS", &keys).stdin(stdin))
    };
    place.make(&keys);
    with(&["project", "create", "7", "--name", "Shop"], None).good();
    let added = with(&["risk", "add", "7", "black", "card", "--note", "stolen"], Some(&cards)).good();
    assert!(added.contains("2 added to the list black"), "{added}");
    let again = with(&["risk", "add", "7", "black", "card"], Some(&cards)).good();
    assert!(again.starts_with("0 added"), "{again}");
    with(&["risk", "add", "7", "white", "email", "Judy@Example.com"], None).good();
    let listed = with(&["risk", "list", "7"], None).good();
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("white          email         judy@example.com"), "{listed}");
    assert!(!listed.contains("4242") && listed.contains("stolen"), "{listed}");
    let shown = with(&["project", "show", "7"], None).good();
    assert!(shown.contains("\"risk_lists\": true"), "{shown}");
    with(&["risk", "remove", "7", "white", "email", "judy@example.com"], None).good();
    assert_eq!(with(&["risk", "list", "7"], None).good().lines().count(), 2);

    for (words, reason) in [
        (&["risk", "add", "7", "grey", "email", "a@b.example"][..], "there is no list \"grey\""),
        (&["risk", "add", "7", "black", "colour", "red"], "nothing that stands on lists"),
        (&["risk", "add", "7", "sanctions", "ip", "192.0.2.1"], "holds no entries about ip"),
        (&["risk", "add", "7", "black", "card", "4242424242424242"], "standard input"),
        (&["risk", "add", "7", "black", "ip", "nowhere"], "line 1 is no ip"),
        (&["risk", "add", "8", "black", "ip", "192.0.2.1"], "there is no project 8"),
    ] {
        let refused = with(words, None);
        assert!(!refused.ok && refused.err.contains(reason), "{words:?}: {refused:?}");
    }
}

// G-315: what is known of card numbers is the operator's to say, and a running platform learns of it
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_table_of_card_ranges_takes_the_place_of_the_built_in_one() {
    let mut world = World::start(&[]).await;
    let command = |words: &[&str]| world.platform.command(words);
    let built_in = command(&["cards", "list"]).good();
    assert!(
        built_in.contains("55443300000,55443399999,,US,prepaid,PREPAID,EXAMPLE BANK OF AMERICA,,,"),
        "{built_in}"
    );
    let directory = tempfile::tempdir().unwrap();
    let table = file(directory.path(), "cards.csv", "first,country,issuer\n400000,DE,\"Bank, AG\"\n");
    assert_eq!(command(&["cards", "import", &table]).good(), "1 ranges of card numbers are known.\n");
    let listed = command(&["cards", "list"]).good();
    assert_eq!(listed.lines().nth(1), Some("40000000000,40000099999,,DE,,,\"Bank, AG\",,,"));
    let again = file(directory.path(), "again.csv", &listed);
    command(&["cards", "import", &again]).good();
    let wrong = file(directory.path(), "wrong.csv", "first,country\n400000,FR\n400001,nowhere\n");
    let refused = command(&["cards", "import", &wrong]);
    assert!(!refused.ok && refused.err.contains("line 3"), "{refused:?}");
    assert_eq!(command(&["cards", "list"]).good(), listed, "whole or not at all");
    command(&["project", "set", "1001", "risk_screening.forbidden_countries=[\"DE\"]"]).good();
    let refused = async || {
        let name = format!("german-{}", world.receiver.count());
        let request = world.sale(&name, cards::APPROVED, None).await.request_id();
        world.receiver.final_of(&request, seconds(30)).await.text.contains("\"1411\"")
    };
    eventually("the platform learns of the table", seconds(20), refused).await;
    command(&["cards", "remove"]).good();
    assert_eq!(command(&["cards", "list"]).good(), built_in);
    world.quiet(seconds(20)).await;
    world.assert_sound();
    world.platform.stop().await;
}

// G-447, G-448
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_converts_at_example_rates_until_the_operator_sets_others() {
    let mut world = World::start(&[]).await;
    let command = |words: &[&str]| world.platform.command(words);
    let listed = command(&["rate", "list"]).good();
    assert!(listed.lines().any(|line| line.starts_with("EUR  USD") && line.contains("1.08")), "{listed}");
    command(&["rate", "set", "EUR", "USD", "1.25", "--until", "2999-01-01T00:00:00Z"]).good();
    let listed = command(&["rate", "list"]).good();
    assert_eq!(listed.matches("EUR  USD").count(), 2, "the earlier one stays for what was before: {listed}");
    let directory = tempfile::tempdir().unwrap();
    let table = file(directory.path(), "rates.csv", "from,to,rate\nEUR,CHF,0.95\nCHF,EUR,1.05\n");
    assert_eq!(command(&["rate", "import", &table]).good(), "2 rates are set.\n");
    let wrong = file(directory.path(), "wrong.csv", "EUR,SEK,11.2\nEUR,NOK,-1\n");
    for (words, reason) in [
        (&["rate", "import", &wrong][..], "line 2"),
        (&["rate", "set", "EUR", "USD", "125"], "--force"),
        (&["rate", "set", "EUR", "USD", "0.8"], "--force"),
        (&["rate", "remove", "EUR", "USD", "--from", "2001-01-01T00:00:00Z"], "no rate from EUR into USD"),
        (&["rate", "set", "EUR", "EUR", "1"], "needs no rate"),
        (&["rate", "set", "EUR", "XXZ", "1"], "is no currency"),
        (&["project", "set", "1001", "conversions={\"EUR\":\"EUR\"}"], "conversions"),
        (&["project", "set", "1001", "conversions={\"EURO\":\"USD\"}"], "is no currency"),
    ] {
        let refused = command(words);
        assert!(!refused.ok && refused.err.contains(reason), "{words:?}: {refused:?}");
    }
    assert!(!command(&["rate", "list"]).good().contains("SEK"), "all lines or none");
    command(&["rate", "set", "EUR", "USD", "125", "--from", "2999-06-01T00:00:00Z", "--force"]).good();
    command(&["rate", "remove", "EUR", "USD", "--from", "2999-06-01T00:00:00Z"]).good();
    assert!(
        !command(&["rate", "list"]).good().contains("2999-06"),
        "a rate of the future is taken out again"
    );
    command(&["project", "set", "1001", "conversions={\"EUR\":\"USD\"}"]).good();
    let converted = async || {
        let name = format!("converted-{}", world.receiver.count());
        world.paid(&name).await;
        let now = world.platform.status(&name).await.json;
        now["operations"][0]["sum_converted"]["currency"] == "USD"
    };
    eventually("the setting is taken over", seconds(20), converted).await;
    let balances = command(&["project", "balances", "1001"]).good();
    assert!(balances.lines().any(|line| line.starts_with("exchange")), "{balances}");
    world.quiet(seconds(20)).await;
    world.assert_sound();
    world.platform.stop().await;
}
