//! Production with a version before the live one, as `ops rollback` finds it.

use super::{PRODUCTION, Site, Told, scenario};

/// Two versions, the second of them live.
pub struct Two {
    pub site: Site,
    pub first: String,
    pub second: String,
    /// How many calls of `POST` it took.
    pub posts: usize,
}

impl Two {
    /// The same code twice; nothing when the worker has not been built.
    pub async fn seeded() -> Option<Two> {
        let (site, first) = Site::deployed().await?;
        site.plane.someone_deploys(PRODUCTION).await;
        Some(Two::of(site, first).await)
    }

    /// The second one by `ops deploy`, which proves it.
    pub async fn deployed() -> Option<Two> {
        let (site, first) = Site::deployed().await?;
        let told = site.deploy(&[]).await;
        assert_eq!(told.exit, Some(0), "{}", told.all());
        Some(Two::of(site, first).await)
    }

    /// The second one by wrangler's own `deploy`, which asks nobody whether it is well.
    pub async fn by_hand(code: &str) -> Option<Two> {
        let (site, first) = Site::deployed().await?;
        site.project.code(code);
        let mut wrangler = site.project.command("wrangler", &site.plane);
        let immediate = ["--durable-objects-code-update-mode", "immediate"];
        wrangler.args(["deploy", "--env", "production", "--tag", "by-hand"]).args(immediate);
        let output = tokio::process::Command::from(wrangler).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        Some(Two::of(site, first).await)
    }

    async fn of(site: Site, first: String) -> Two {
        let second = site.plane.deployed(PRODUCTION).await[0].0.clone();
        let posts = site.plane.calls().iter().filter(|call| call.starts_with("POST")).count();
        Two { site, first, second, posts }
    }

    /// How many deployments were asked for so far.
    pub fn posts_of_deployments(&self) -> usize {
        let call = format!("POST /workers/scripts/{PRODUCTION}/deployments ");
        self.site.plane.calls().iter().filter(|line| line.starts_with(&call)).count()
    }

    /// `ops`, told to wait no longer than a test can.
    pub fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut arguments = arguments.to_vec();
        if !arguments.contains(&"--list") {
            arguments.extend(["--timeout", "6s"]);
        }
        self.site.ops(&arguments)
    }

    pub async fn run(&self, arguments: &[&str]) -> Told {
        scenario::finish(self.command(arguments).spawn().unwrap()).await
    }
}
