//! Durable Object migrations: applied with a one-step upload, in order, once.

use serde_json::Value;

use super::{
    envelope::Refusal,
    script::{Script, text},
};

/// Applies the `migrations` of an upload's metadata.
///
/// The code of the failed precondition is a guess (nobody here saw the real one); that a class cannot be created
/// twice is 10074.
pub fn apply(script: &mut Script, migrations: &Value) -> Result<(), Refusal> {
    let named = |key: &str| migrations.get(key).and_then(Value::as_str).map(str::to_owned);
    if named("old_tag") != script.migration_tag {
        let message = format!(
            "Migration tag precondition failed; expected {:?}, the current tag is {:?}",
            named("old_tag").unwrap_or_default(),
            script.migration_tag.clone().unwrap_or_default()
        );
        return Err(Refusal::new(412, 10079, message));
    }
    let mut classes = script.classes.clone();
    for step in migrations["steps"].as_array().into_iter().flatten() {
        for class in ["new_classes", "new_sqlite_classes"].iter().flat_map(|key| names(&step[*key])) {
            if classes.contains(&class) {
                let message = format!(
                    "Cannot apply new-class migration to class {class} that is already depended on by existing Durable Objects"
                );
                return Err(Refusal::new(400, 10074, message));
            }
            classes.push(class);
        }
        for class in names(&step["deleted_classes"]) {
            classes.retain(|kept| *kept != class);
        }
    }
    script.classes = classes;
    script.migration_tag = named("new_tag");
    Ok(())
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}
