//! Who may import whom, and what a crate is called.

use anyhow::Context;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates and those of the workspace that they may use.
const LAYERS: [(&str, &[&str]); 7] = [
    ("codec", &[]),
    ("policy", &[]),
    ("cluster", &[]),
    ("api", &["policy", "cluster"]),
    ("node", &["codec", "policy", "cluster", "api"]),
    ("tests", &["codec", "policy", "cluster", "api", "node"]),
    ("benches", &["codec", "policy", "cluster", "api", "node", "tests"]),
];

/// Crates of others that only one of ours may use.
const RESTRICTED: [(&str, &str); 7] = [
    ("openraft", "cluster"),
    ("sled", "cluster"),
    ("casbin", "policy"),
    ("rav1e", "codec"),
    ("symphonia", "codec"),
    ("lettre", "node"),
    ("actix-web", "api"),
];

/// Names under which everything and nothing lives.
const FORBIDDEN: [&str; 3] = ["common", "types", "utils"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize, Clone)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    /// The registries that it may go to: none when it is not published.
    publish: Option<Vec<String>>,
}

#[derive(Deserialize, Clone)]
struct Dependency {
    name: String,
    /// Where it lies, for crates of the workspace.
    path: Option<PathBuf>,
}

fn crates() -> anyhow::Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(harness::repository())
        .output()
        .context("cannot start cargo")?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .context(String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(metadata.packages)
}

/// What is wrong with crates in a folder, one sentence each.
fn faults(crates: &[Package], repository: &Path) -> BTreeSet<String> {
    let mut faults = BTreeSet::new();
    for Package { name, manifest_path, dependencies, publish } in crates {
        if FORBIDDEN.contains(&name.as_str()) {
            faults.insert(format!("no crate may be named {name}"));
        }
        if *manifest_path != repository.join(name).join("Cargo.toml") {
            faults.insert(format!("{name} lies in {}", manifest_path.display()));
        }
        if publish.as_ref().is_none_or(|registries| !registries.is_empty()) {
            faults.insert(format!("{name} can be published"));
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| layer == name) else {
            faults.insert(format!("{name} has no place in the layers"));
            continue;
        };
        for dependency in dependencies {
            let used = dependency.name.as_str();
            let is_ours = dependency.path.is_some();
            if is_ours && !allowed.contains(&used) {
                faults.insert(format!("{name} may not use {used}"));
            }
            let owner =
                RESTRICTED.iter().find(|(restricted, _)| *restricted == used).map(|(_, owner)| *owner);
            if owner.is_some_and(|owner| owner != name) {
                faults.insert(format!("{name} may not use {used}"));
            }
        }
    }
    faults
}

#[test]
fn every_crate_keeps_to_its_layer_and_its_name() -> anyhow::Result<()> {
    let crates = crates()?;
    assert!(crates.len() >= 4, "codec, node, tests and benches");
    assert_eq!(faults(&crates, harness::repository()), BTreeSet::new());
    Ok(())
}

#[test]
fn a_crate_that_breaks_a_rule_is_named() {
    let ours = |name: &str| Dependency { name: name.into(), path: Some(name.into()) };
    let foreign = |name: &str| Dependency { name: name.into(), path: None };
    let package = |name: &str, dependencies: Vec<Dependency>| Package {
        name: name.into(),
        manifest_path: format!("/project/{name}/Cargo.toml").into(),
        dependencies,
        publish: Some(Vec::new()),
    };
    let found = faults(
        &[
            package("node", vec![ours("codec"), ours("api"), foreign("serde")]),
            package("codec", vec![ours("cluster"), foreign("rav1e"), foreign("sled")]),
            package("api", vec![ours("codec"), ours("policy"), foreign("actix-web")]),
            package("utils", Vec::new()),
            Package {
                publish: None,
                manifest_path: "/project/x/Cargo.toml".into(),
                ..package("policy", Vec::new())
            },
        ],
        Path::new("/project"),
    );
    let expected = [
        "api may not use codec",
        "codec may not use cluster",
        "codec may not use sled",
        "no crate may be named utils",
        "policy can be published",
        "policy lies in /project/x/Cargo.toml",
        "utils has no place in the layers",
    ];
    assert_eq!(found, expected.map(String::from).into());
}

#[test]
fn the_map_in_the_readme_names_every_crate() -> anyhow::Result<()> {
    let readme = std::fs::read_to_string(harness::repository().join("README.md"))?;
    let rows: BTreeSet<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| [`")?.split_once("`]("))
        .map(|(name, _)| name.to_owned())
        .collect();
    let names: BTreeSet<_> = crates()?.into_iter().map(|package| package.name).collect();
    assert_eq!(rows, names);
    Ok(())
}
