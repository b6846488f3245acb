//! The workerds of one Worker: one per version, and one for its Durable Objects.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ops::workerd::{Config, Version as Metadata, Workerd, find_workerd};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{
    envelope::Refusal,
    front::{Front, Route},
    script::{Version, text},
};

/// What runs for one Worker.
pub struct Runtime {
    /// Where the Worker answers.
    pub front: Front,
    /// Where stand-ins reach the objects.
    objects_front: Front,
    /// By version id.
    versions: BTreeMap<String, Workerd>,
    /// What was taken out of service last: its requests may still be under way.
    retiring: Vec<Workerd>,
    objects: Option<Workerd>,
    objects_version: String,
    disk: TempDir,
}

impl Runtime {
    pub async fn new(name: &str, end: &CancellationToken) -> Runtime {
        Runtime {
            front: Front::start(name, false, end).await,
            objects_front: Front::start(name, true, end).await,
            versions: BTreeMap::new(),
            retiring: Vec::new(),
            objects: None,
            objects_version: String::new(),
            disk: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts a version's own workerd. `created` are the classes it must export.
    ///
    /// # Errors
    /// 10021 when its main module throws, 10064 when it lacks a class.
    pub async fn start(&mut self, version: &Version, created: &[String]) -> Result<(), Refusal> {
        if !self.versions.contains_key(&version.id) {
            let main = main_of_version(version, created, &self.objects_front.url());
            let workerd = run(version, &main, None).await?;
            self.versions.insert(version.id.clone(), workerd);
        }
        Ok(())
    }

    /// Puts these versions, and no other, into service.
    pub async fn serve(&mut self, versions: &[(Version, f64)]) -> Result<(), Refusal> {
        let mut routes = Vec::new();
        for (version, share) in versions {
            self.start(version, &[]).await?;
            let url = self.versions[&version.id].url();
            routes.push(Route { version: version.id.clone(), share: *share, url });
        }
        self.front.set(routes);
        let served = |id: &String| versions.iter().any(|(version, _)| version.id == *id);
        let (kept, retiring) = std::mem::take(&mut self.versions).into_iter().partition(|(id, _)| served(id));
        self.versions = kept;
        self.retiring = BTreeMap::into_values(retiring).collect();
        Ok(())
    }

    pub fn has_objects(&self) -> bool {
        self.objects.is_some()
    }

    /// Restarts the objects with this version's code; requests to them wait until they are back.
    pub async fn run_objects(&mut self, version: &Version) -> Result<(), Refusal> {
        if self.objects_version == version.id || classes(version).is_empty() {
            return Ok(());
        }
        self.objects_front.set(Vec::new());
        // Before the next one opens the same disk.
        self.objects = None;
        let workerd = run(version, &main_of_objects(version), Some(self.disk.path())).await?;
        let route = Route { version: version.id.clone(), share: 100.0, url: workerd.url() };
        self.objects = Some(workerd);
        self.objects_version = version.id.clone();
        self.objects_front.set(vec![route]);
        Ok(())
    }
}

async fn run(version: &Version, main: &str, disk: Option<&Path>) -> Result<Workerd, Refusal> {
    let folder = bundle(version, main).unwrap();
    let mut config = Config::new(folder.path(), &version.compatibility_date);
    config.program = Some(find_workerd(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap());
    config.compatibility_flags = version.compatibility_flags.clone();
    config.disk = disk.map(PathBuf::from);
    for binding in &version.bindings {
        let name = text(&binding["name"]);
        config = match text(&binding["type"]).as_str() {
            "plain_text" | "secret_text" => config.var(&name, text(&binding["text"])),
            "durable_object_namespace" => config.object(&name, &text(&binding["class_name"])),
            "version_metadata" => config.version(&name, metadata(version)),
            "json" => {
                config.json.insert(name, binding["json"].clone());
                config
            }
            // workerd on its own has none, and the worker does without: the front sends no client's address either.
            "ratelimit" => config,
            other => return Err(Refusal::malformed(format!("binding {name}: {other} is not modelled"))),
        };
    }
    Workerd::start(config).await.map_err(|cause| {
        let cause = cause.to_string();
        let thrown = cause.split("Uncaught ").nth(1).and_then(|rest| rest.lines().next());
        if let Some((_, message)) = thrown.and_then(|thrown| thrown.split_once(LACKING)) {
            let message = format!(
                "New version of script does not export class '{message}' which is depended on by existing Durable \
                 Objects. If you want to delete the class's Durable Objects, use a delete-class migration."
            );
            return Refusal::new(400, 10064, message);
        }
        Refusal::new(400, 10021, format!("Uncaught {}", thrown.unwrap_or(&cause)))
    })
}

fn metadata(version: &Version) -> Metadata {
    let tag = version.annotations.get("workers/tag").cloned().unwrap_or_default();
    Metadata { id: version.id.clone(), tag, timestamp: version.created_on.clone() }
}

/// The uploaded modules in a folder of their own, and a main module of ours beside it.
fn bundle(version: &Version, main: &str) -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    copy(version.modules.path(), &folder.path().join("uploaded"))?;
    fs::write(folder.path().join("entry.js"), main)?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target)? } else { fs::copy(&path, &target).map(drop)? }
    }
    Ok(())
}

/// Binding and class of each kind of object.
fn classes(version: &Version) -> Vec<(String, String)> {
    let objects = version.bindings.iter().filter(|binding| binding["type"] == "durable_object_namespace");
    objects.map(|binding| (text(&binding["name"]), text(&binding["class_name"]))).collect()
}

/// What crosses between the workerds: JSON, and bytes.
const CODEC: &str = r#"
const encode = (value) => JSON.stringify(value, (_, part) =>
  part instanceof Uint8Array || part instanceof ArrayBuffer ? { $bytes: new Uint8Array(part).toBase64() } : part);
const decode = (text) => text === "" ? undefined : JSON.parse(text, (_, part) =>
  part?.$bytes === undefined ? part : Uint8Array.fromBase64(part.$bytes));
"#;

/// Stand-ins for classes of objects: each request and each call is sent to the objects' workerd.
const STAND_INS: &str = r#"
import { DurableObject } from "cloudflare:workers";
async function send(self, binding, method, url, init) {
  const headers = new Headers(init.headers);
  headers.set("x-object", JSON.stringify([binding, self.ctx.id.toString(), self.ctx.id.name ?? null, method]));
  const answer = await fetch(url, { ...init, headers });
  if (answer.status === 502 || answer.headers.has("x-object-error")) throw new Error(await answer.text());
  return answer;
}
function standIn(binding, Class) {
  class StandIn extends DurableObject {
    async fetch(request) {
      const url = new URL(request.url);
      const body = await request.arrayBuffer();
      const init = { method: request.method, headers: request.headers, body: body.byteLength > 0 ? body : undefined };
      return send(this, binding, null, OBJECTS + url.pathname + url.search, init);
    }
  }
  const names = new Set();
  for (let at = Class.prototype; at && at !== DurableObject.prototype; at = Object.getPrototypeOf(at)) {
    if (at !== Object.prototype) Object.getOwnPropertyNames(at).forEach((name) => names.add(name));
  }
  for (const name of names.difference(new Set(["constructor", "fetch", "alarm"]))) {
    StandIn.prototype[name] = async function (...values) {
      const answer = await send(this, binding, name, OBJECTS, { method: "POST", body: encode(values) });
      return decode(await answer.text());
    };
  }
  return StandIn;
}
"#;

/// Hands each request and each call to the object it is for.
const OBJECTS: &str = r#"
export default {
  async fetch(request, env) {
    const object = request.headers.get("x-object");
    if (!object) return new Response(null, { status: 204 });
    const [binding, id, name, method] = JSON.parse(object);
    const namespace = env[binding];
    const headers = new Headers(request.headers);
    headers.delete("x-object");
    try {
      const stub = namespace.get(name === null ? namespace.idFromString(id) : namespace.idFromName(name));
      if (method === null) return await stub.fetch(new Request(request, { headers }));
      return new Response(encode(await stub[method](...decode(await request.text()))));
    } catch (error) {
      return new Response(String(error), { status: 500, headers: { "x-object-error": "1" } });
    }
  },
};
"#;

/// What stands before the name of a class that is missing.
const LACKING: &str = "no such class: ";

/// The version's own handler, with stand-ins for its classes.
fn main_of_version(version: &Version, created: &[String], objects: &str) -> String {
    let uploaded = json!(format!("./uploaded/{}", version.main_module));
    let mut main = format!("import * as uploaded from {uploaded};\nconst OBJECTS = {};\n", json!(objects));
    main += CODEC;
    main += STAND_INS;
    main += "export default uploaded.default;\n";
    for class in created {
        main += &format!("if (!uploaded.{class}) throw new Error(\"{LACKING}{class}\");\n");
    }
    for (binding, class) in classes(version) {
        // A class the code does not export must not go unnoticed.
        main += &format!("if (!uploaded.{class}) throw new Error(\"class {class} is not exported\");\n");
        main += &format!("export const {class} = standIn({}, uploaded.{class});\n", json!(binding));
    }
    main
}

/// The uploaded classes, behind a handler of ours.
fn main_of_objects(version: &Version) -> String {
    let uploaded = json!(format!("./uploaded/{}", version.main_module));
    format!("export * from {uploaded};\n{CODEC}{OBJECTS}")
}
