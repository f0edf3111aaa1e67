//! The browser of the page tests itself: it shows what the platform serves, on the screens it is told.
#![cfg(test)]

use ferropay_tests::{
    World,
    browser::{Browser, Screen},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_shows_a_served_page_on_every_screen_and_keeps_pictures() {
    let world = World::start(&[]).await;
    let browser = Browser::start(Screen::DESKTOP).await;
    browser.open(&format!("{}/healthz", world.platform.base())).await;
    let shown = browser.script("return document.body.innerText").await;
    assert_eq!(shown.as_str().map(str::trim), Some("ready"));
    assert_eq!(browser.widths().await, (1280, 1280));
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    // A browser's window cannot be this narrow; the page's layout must be.
    let page = "data:text/html,<meta name=viewport content='width=device-width'><body style='margin:0'>\
                <p id=p style='width:100%25'>x</p>";
    for (screen, name) in [(Screen::PHONE, "phone"), (Screen::NARROW, "narrow")] {
        browser.show_on(screen).await;
        browser.open(page).await;
        let width = u64::from(screen.width);
        assert_eq!(browser.widths().await, (width, width), "{name}");
        assert_eq!(browser.script("return [p.offsetWidth, window.innerHeight]").await[0], width, "{name}");
        assert_eq!(browser.script("return window.innerHeight").await, screen.height, "{name}");
        let picture = std::fs::read(browser.screenshot(&format!("browser-{name}")).await).unwrap();
        // Width and height of a PNG stand at bytes 16 and 20; the telephones have two pixels for each of the layout.
        assert_eq!(picture[16..20], (screen.width * 2).to_be_bytes(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_or_its_policy_refuses_is_told() {
    let browser = Browser::start(Screen::DESKTOP).await;
    browser.open("data:text/html,<meta http-equiv=content-security-policy content=\"script-src 'none'\"><script>1</script>").await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|it| it.contains("Content Security Policy")), "{complaints:?}");
    // Only this machine is reached, whatever a page asks for.
    assert!(browser.page.goto("http://example.com/").await.is_err());
}
