//! A real Chromium with an empty profile, one for each test that looks at pages.
//!
//! The driver listens on a free port, the browser reaches nothing but this machine, and whatever the test's end is, both
//! processes are ended by their numbers. Sizes are those of the page itself, not of a window around it: a window cannot
//! be narrower than the browser allows, so the metrics of a device are emulated.

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    error::{CmdError, ErrorStatus},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::Instant;

/// How often the driver is started when it finds no port.
const STARTS: u32 = 5;

/// How long driver and browser may take to start, much more than they need: several tests run at the same time.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// How long a page may take to show what a test waits for.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// How long the browser may take to end when it is asked to, before it is killed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// What is switched off: everything that needs a display, another process's rights, or a host besides this machine.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
];

/// What the page is shown on. Sizes are CSS pixels of the layout viewport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Whether it is a telephone: it is touched, has two device pixels for each CSS pixel, and heeds `<meta viewport>`.
    pub telephone: bool,
}

impl Screen {
    /// A desk.
    pub const DESKTOP: Self = Self { width: 1280, height: 800, telephone: false };
    /// A common telephone.
    pub const PHONE: Self = Self { width: 360, height: 740, telephone: true };
    /// The narrowest screen that pages have to serve.
    pub const NARROW: Self = Self { width: 320, height: 640, telephone: true };
}

/// A running browser with one open page.
#[derive(Debug)]
pub struct Browser {
    /// The `WebDriver` session: finding, clicking, typing, waiting.
    pub page: Client,
    session: Session,
}

impl Browser {
    /// Starts a browser that shows an empty page on this screen.
    pub async fn start(screen: Screen) -> Self {
        let mut session = Session::start().await;
        let profile = session.profile.path();
        let flags = FLAGS.iter().map(|flag| Value::from(*flag));
        let profile = format!("--user-data-dir={}", profile.join("chromium").display());
        let arguments: Vec<Value> = flags.chain([Value::from(profile)]).collect();
        let mut capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        // Without a path the driver looks where browsers usually are.
        if let Ok(binary) = std::env::var("FERROPAY_TEST_CHROMIUM") {
            capabilities["goog:chromeOptions"]["binary"] = binary.into();
        }
        let Value::Object(capabilities) = capabilities else { unreachable!("it is written above") };
        let page = ClientBuilder::new(fantoccini_connector())
            .capabilities(capabilities)
            .connect(&session.url(""))
            .await
            .unwrap_or_else(|error| panic!("Chromium does not start: {error}\n{}", session.log()));
        session.id = page.session_id().await.unwrap().expect("the session has an id");
        session.browser =
            page.capabilities().and_then(|granted| granted.get("goog:processID")).and_then(Value::as_u64);
        let browser = Self { page, session };
        browser.show_on(screen).await;
        browser
    }

    /// Changes the screen, also while a page is shown.
    pub async fn show_on(&self, screen: Screen) {
        let Screen { width, height, telephone } = screen;
        let metrics = json!({
            "width": width, "height": height, "mobile": telephone,
            "deviceScaleFactor": if telephone { 2 } else { 1 },
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": telephone })).await;
    }

    /// Opens an address and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.page.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Presses the button with these words as soon as there is one.
    pub async fn press(&self, words: &str) {
        let path = format!("//button[normalize-space()='{words}']");
        self.with(Locator::XPath(&path), Element::click).await;
    }

    /// Presses the first element a CSS selector finds, as soon as there is one.
    pub async fn press_first(&self, css: &str) {
        self.with(Locator::Css(css), Element::click).await;
    }

    /// Types into the first field a CSS selector finds, as soon as there is one.
    pub async fn type_into(&self, css: &str, text: &str) {
        self.with(Locator::Css(css), async |field| field.send_keys(text).await).await;
    }

    /// Does something with an element. The page that has it may be on its way, and the one that is shown may go between
    /// the look for the element and what is done with it.
    async fn with(&self, place: Locator<'_>, act: impl AsyncFn(&Element) -> Result<(), CmdError>) {
        let started = Instant::now();
        loop {
            let done = async { act(&self.page.find(place).await?).await }.await;
            match done {
                Ok(()) => return,
                Err(error) => assert!(
                    is_of_a_page_that_goes(&error) && started.elapsed() < SHOWN_WITHIN,
                    "{place:?}: {error}"
                ),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The value of a script's `return`.
    pub async fn script(&self, script: &str) -> Value {
        self.page.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Width of the layout viewport and of what is laid out in it, in CSS pixels. The second is larger where a page has
    /// to be scrolled sideways.
    pub async fn widths(&self) -> (u64, u64) {
        let widths = "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]";
        let widths = self.script(widths).await;
        (widths[0].as_u64().unwrap(), widths[1].as_u64().unwrap())
    }

    /// What the browser complained about since this was last asked: refused by the content security policy, not found,
    /// thrown and not caught. Notes a page writes itself below the level of a warning are left out, and the icon which
    /// no page mentions but the browser asks for.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.session.post("se/log", &json!({ "type": "browser" })).await;
        let entries = entries.as_array().expect("the log is a list").iter();
        entries
            .filter(|entry| matches!(entry["level"].as_str(), Some("WARNING" | "SEVERE")))
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .filter(|message| !message.contains("/favicon.ico "))
            .collect()
    }

    /// Keeps a picture of the page, in its whole length, as `target/screenshots/NAME.png`; answers where.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let picture = self.devtools("Page.captureScreenshot", whole).await;
        let picture = picture["data"].as_str().expect("the picture is Base64");
        let folder = screenshots();
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.png"));
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, picture).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// One command of the `DevTools` protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.session.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).await
    }
}

/// The driver's process, and through it the browser's.
#[derive(Debug)]
struct Session {
    driver: Child,
    port: u16,
    /// Empty until there is a session.
    id: String,
    /// The browser's process number.
    browser: Option<u64>,
    /// Home, profile and logs of both; dropped when both have ended.
    profile: TempDir,
}

impl Session {
    async fn start() -> Self {
        for _ in 1..STARTS {
            match Self::tried().await {
                Ok(session) => return session,
                // It draws a port for IPv6 first, which somebody may have for IPv4.
                Err(said) => assert!(said.contains("Address already in use"), "chromedriver ended: {said}"),
            }
        }
        Self::tried().await.unwrap_or_else(|said| panic!("chromedriver ended: {said}"))
    }

    /// One start. Errors with what the driver said when it ended.
    async fn tried() -> Result<Self, String> {
        let profile = tempfile::tempdir().unwrap();
        let log = fs::File::create(profile.path().join("driver.log")).unwrap();
        let program =
            std::env::var("FERROPAY_TEST_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let driver = Command::new(program)
            .arg("--port=0")
            .env("HOME", profile.path())
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .expect("chromedriver does not start; run the tests with ./test, which installs it");
        let mut session = Self { driver, port: 0, id: String::new(), browser: None, profile };
        let started = Instant::now();
        loop {
            let said = session.log();
            if let Some((_, port)) = said.split_once("started successfully on port ") {
                let digits = port.chars().take_while(char::is_ascii_digit);
                if let Ok(port) = digits.collect::<String>().parse() {
                    session.port = port;
                    return Ok(session);
                }
            }
            if session.driver.try_wait().unwrap().is_some() {
                return Err(session.log());
            }
            assert!(
                started.elapsed() < READY_WITHIN,
                "chromedriver is not ready in {READY_WITHIN:?}: {said}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.profile.path().join("driver.log")).unwrap_or_default()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// A command of the driver outside the standard.
    async fn post(&self, command: &str, body: &Value) -> Value {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = self.url(&format!("session/{}/{command}", self.id));
        let answer = http.request(Method::POST, &url).body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{command} {body}: {text}");
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        answer["value"].take()
    }

    /// Asks the driver to end the browser; whether it has done so. Blocking, because a test may end in a panic.
    fn end_browser(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(END_WITHIN))?;
        let head = "HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        write!(stream, "DELETE /session/{} {head}", self.id)?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let ended = self.id.is_empty() || self.end_browser().unwrap_or(false);
        if let (false, Some(browser)) = (ended, self.browser) {
            let _ = Command::new("kill").args(["-KILL", &browser.to_string()]).status();
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Whether nothing was done because the element is not there yet or no longer: the document it was looked for in is being
/// replaced by another.
fn is_of_a_page_that_goes(error: &CmdError) -> bool {
    let CmdError::Standard(refused) = error else { return false };
    match refused.error {
        ErrorStatus::NoSuchElement
        | ErrorStatus::StaleElementReference
        | ErrorStatus::ElementNotInteractable
        | ErrorStatus::ElementClickIntercepted => true,
        ErrorStatus::UnknownError => ["does not belong to the document", "aborted by navigation"]
            .iter()
            .any(|reason| refused.message.contains(reason)),
        _ => false,
    }
}

/// Plain HTTP: the driver listens on this machine.
fn fantoccini_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

/// `target/screenshots` of the build this test belongs to.
fn screenshots() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target =
        test.ancestors().find(|folder| is_named(folder, "deps")).and_then(|deps| deps.ancestors().nth(2));
    target.expect("a test runs from target/PROFILE/deps").join("screenshots")
}

fn is_named(folder: &Path, name: &str) -> bool {
    folder.file_name().is_some_and(|found| found == name)
}
