//! Whether the local files lead to the Redis that `ops dev` serves in this checkout: its token is each checkout's own.

use reqwest::Url;

use crate::{
    config::{
        keys::Target,
        table::{Development, Selection},
    },
    dev,
    project::Project,
    verify::is_local,
};

/// What a person should know: the file has this machine's Redis, with another token than `ops dev` takes.
pub fn note(project: &Project, target: Target, selection: &Selection<Development>) -> Option<String> {
    let value = |key: &str| {
        let entry = selection.of_target(target).find(|entry| entry.key == key)?;
        entry.value.as_ref().map(|value| value.reveal())
    };
    Url::parse(value("UPSTASH_REDIS_REST_URL")?).ok().filter(is_local)?;
    let token = value("UPSTASH_REDIS_REST_TOKEN").unwrap_or_default();
    let served = dev::kept_token(project.root())?;
    (token != served).then(|| {
        format!(
            "the Redis of `ops dev` answers WRONGPASS to this UPSTASH_REDIS_REST_TOKEN: put into the source, as \
             DEV_VALUE, what {} has",
            project.root().join(".wrangler/ops-dev/token").display()
        )
    })
}
