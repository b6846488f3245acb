//! The app and Convex answer, and every place names the same addresses.

use log_ingestion_worker::origin::covers;
use reqwest::Url;

use super::{
    Set, Side,
    ask::{Silence, Web},
};
use crate::verify::report::Finding;

/// What the app's own address is called, by framework and by habit.
pub const APP: &[&str] = &[
    "NEXT_PUBLIC_APP_URL",
    "NEXT_PUBLIC_SITE_URL",
    "APP_URL",
    "SITE_URL",
    "NEXTAUTH_URL",
    "AUTH_URL",
    "BETTER_AUTH_URL",
];
/// Where the Convex deployment answers its clients.
const CONVEX: &[&str] = &["NEXT_PUBLIC_CONVEX_URL", "CONVEX_URL", "CONVEX_CLOUD_URL"];
/// Where it answers HTTP: its actions, and what comes back from a sign-in.
pub const CONVEX_SITE: &[&str] =
    &["CONVEX_SITE_URL", "NEXT_PUBLIC_CONVEX_SITE_URL", "NEXT_PUBLIC_CONVEX_HTTP_URL"];
/// Where logs are posted.
const WORKER: &[&str] = &["NEXT_PUBLIC_LOG_WORKER_URL", "LOG_WORKER_URL"];

/// The app answers: anything but "not here" and "broken". It may send on to a sign-in.
pub async fn app(side: &Side<'_>, web: &Web) -> Finding {
    let Some(set) = side.first(APP) else {
        return Finding::skip(
            "the source does not say where the app answers",
            format!("add {}", APP.join(" or ")),
        );
    };
    answers(&set, None, "the app", web, |status| status < 500 && status != 404).await
}

/// The deployment says its version. A name that Convex does not know is 404.
pub async fn convex(side: &Side<'_>, web: &Web) -> Finding {
    let Some(set) = side.first(CONVEX) else {
        return Finding::skip(
            "the source names no Convex deployment",
            format!("add {}", CONVEX.join(" or ")),
        );
    };
    answers(&set, Some("version"), "Convex", web, |status| status == 200).await
}

async fn answers(
    set: &Set,
    path: Option<&str>,
    who: &str,
    web: &Web,
    is_well: impl Fn(u16) -> bool,
) -> Finding {
    let Some(url) = set.url() else {
        return Finding::fail(format!("{} (line {}) is no URL", set.key, set.line), "ops config validate");
    };
    let asked = path.map_or(Ok(url.clone()), |path| beneath(&url).join(path)).unwrap_or(url.clone());
    match web.get(&asked).await {
        Ok(answered) if is_well(answered.status) => {
            Finding::pass(format!("{url} answers {}", answered.status))
        }
        Ok(answered) => Finding::fail(
            format!("{asked} answers {}", answered.status),
            format!("is {} (line {}) right, and is {who} deployed? See deployment.md", set.key, set.line),
        ),
        Err(Silence { is_here: true, .. }) => {
            Finding::skip(format!("nothing runs at {url} on this machine"), format!("start {who}"))
        }
        Err(Silence { why, .. }) => {
            Finding::fail(format!("{url}: {why}"), format!("is {} (line {}) right?", set.key, set.line))
        }
    }
}

/// Every place names the same worker, deployment and app.
pub fn agree(side: &Side<'_>) -> Finding {
    let mut wrong = Vec::new();
    let mut compared = 0;
    let mut same = |sets: &[Set], wanted: &Url, said: &str| {
        for set in sets {
            compared += 1;
            if set.url().as_ref().map(plain) != Some(plain(wanted)) {
                wrong.push(format!("{} (line {}) is not {said}", set.key, set.line));
            }
        }
    };
    same(&side.all(WORKER), side.worker, &format!("{}, where the worker answers", plain(side.worker)));
    if let Some((first, url)) = side.first(CONVEX).and_then(|set| Some((set.key.clone(), set.url()?))) {
        same(&side.all(CONVEX), &url, &format!("what {first} says"));
        if let Some(site) = site_of(&url) {
            same(&side.all(CONVEX_SITE), &site, &format!("{}, as {first} has it", plain(&site)));
        }
    }
    let app = side.first(APP).and_then(|set| Some((set.key.clone(), set.url()?)));
    if let Some((first, url)) = &app {
        same(&side.all(APP), url, &format!("what {first} says"));
        if let Some(listed) = side.var("ALLOWED_ORIGINS") {
            compared += 1;
            let origin = url.origin().ascii_serialization();
            if !listed.split(',').any(|one| covers(one.trim().trim_end_matches('/'), &origin)) {
                wrong.push(format!("ALLOWED_ORIGINS does not list {origin}: its pages cannot post logs"));
            }
        }
    }
    match (wrong.is_empty(), compared) {
        (true, 0) => {
            Finding::skip("the source names no address of the worker, the app or Convex", "ops config init")
        }
        (true, _) => Finding::pass(format!("{compared} agree")),
        (false, _) => {
            let hint = "mend the source, then: ops config sync; or --url was not this environment's";
            Finding::fail(wrong.join("; "), hint)
        }
    }
}

/// Without what does not count: a slash at the end.
fn plain(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The address as a folder, for something beneath it.
fn beneath(url: &Url) -> Url {
    let mut folder = url.clone();
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", url.path()));
    }
    folder
}

/// `https://NAME.convex.site` of `https://NAME.convex.cloud`; nothing where Convex runs under a name of its own.
fn site_of(url: &Url) -> Option<Url> {
    let name = url.host_str()?.strip_suffix(".convex.cloud")?;
    Url::parse(&format!("https://{name}.convex.site")).ok()
}
