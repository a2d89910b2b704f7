//! The texts of mails: compiled in, and those that an operator has put in their place.
//!
//! A template is `<language>/<letter>.<part>`; the parts are `subject`, `txt` and `html`. Each stands for itself: there
//! is no way from one to another, nor to anything else than what its letter offers.

use super::letter::Letter;
use crate::config::{ConfigError, Language, Texts};
use crate::outbox::shown;
use cluster::catalog::{Format, Protocol, SessionInfo};
use cluster::id::{RecordingId, VideoId};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest template.
const TEMPLATE_BYTES_MAX: u64 = 64 << 10;
/// The longest subject.
const SUBJECT_CHARS: usize = 200;

/// The templates that are compiled in.
macro_rules! compiled_in {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("texts/", $name)))),+] };
}
const COMPILED_IN: [(&str, &str); 12] = compiled_in!(
    "en/test.html",
    "en/test.subject",
    "en/test.txt",
    "en/video-ready.html",
    "en/video-ready.subject",
    "en/video-ready.txt",
    "pt-BR/test.html",
    "pt-BR/test.subject",
    "pt-BR/test.txt",
    "pt-BR/video-ready.html",
    "pt-BR/video-ready.subject",
    "pt-BR/video-ready.txt",
);

/// A template that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template {name}, line {line}: {message}")]
pub(crate) struct TemplateError {
    name: String,
    line: usize,
    message: String,
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// One line.
    pub(crate) subject: String,
    /// Plain.
    pub(crate) text: String,
    /// The same as HTML.
    pub(crate) html: String,
}

/// All templates of all languages.
#[derive(Debug)]
pub(crate) struct Templates {
    language: Language,
    texts: BTreeMap<&'static str, Cow<'static, str>>,
}

impl Templates {
    /// Those that are compiled in, and in their place the ones in the operator's folder. Each is filled in once, so
    /// that one that is broken is found here.
    pub(crate) fn load(texts: &Texts) -> Result<Self, ConfigError> {
        let compiled_in = COMPILED_IN.map(|(name, text)| (name, Cow::Borrowed(text)));
        let mut templates = Self { language: texts.language, texts: BTreeMap::from(compiled_in) };
        let Some(folder) = &texts.folder else { return Ok(templates) };
        let mut found = Vec::new();
        for language in Language::ALL {
            let folder = folder.join(language.as_str());
            for path in files(&folder)? {
                found.push((known(language.as_str(), &path)?, path));
            }
        }
        fs::metadata(folder).map_err(|source| unreadable(folder, source))?;
        for path in files(folder)? {
            if !Language::ALL.iter().any(|language| path.ends_with(language.as_str())) {
                return Err(not_known(path));
            }
        }
        for (name, path) in &found {
            templates.texts.insert(name, Cow::Owned(read(path)?));
        }
        for (name, path) in found {
            let checked = templates.check(name);
            checked.map_err(|TemplateError { line, message, .. }| ConfigError::Template {
                path,
                line,
                message,
            })?;
        }
        Ok(templates)
    }

    /// What a letter says in the configured language. `public_url` is what links begin with.
    pub(crate) fn text(&self, letter: Letter<'_>, public_url: &str) -> Result<Text, TemplateError> {
        let part = |part| {
            self.filled(&format!("{}/{}.{part}", self.language.as_str(), letter.name()), letter, public_url)
        };
        let (subject, text, html) = (part("subject")?, part("txt")?, part("html")?);
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Text { subject: shown(&subject, SUBJECT_CHARS), text, html })
    }

    fn filled(&self, name: &str, letter: Letter<'_>, public_url: &str) -> Result<String, TemplateError> {
        let mut facts = letter.facts(public_url);
        let is_html = name.ends_with(".html");
        if is_html {
            // Slashes stay as they are: a link is one to see.
            let link = facts.get("url").map(ToString::to_string).unwrap_or_default();
            let link = link.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;");
            facts.insert("url", Value::from_safe_string(link.replace('<', "&lt;").replace('>', "&gt;")));
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment
            .set_auto_escape_callback(move |_| if is_html { AutoEscape::Html } else { AutoEscape::None });
        let failed = |error: minijinja::Error| TemplateError {
            name: name.to_owned(),
            line: error.line().unwrap_or(1),
            message: error
                .detail()
                .map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind())),
        };
        let text = self.texts.get(name).map_or("", |text| text);
        environment.add_template(name, text).map_err(failed)?;
        environment.get_template(name).and_then(|template| template.render(facts)).map_err(failed)
    }

    /// Fills a template in with facts of no session.
    fn check(&self, name: &str) -> Result<(), TemplateError> {
        let info = SessionInfo {
            protocol: Protocol::Ssh,
            format: Format::Guacamole,
            device_address: "192.0.2.7:22".to_owned(),
            credential_user: String::new(),
            user_name: "ada@example.org".to_owned(),
            user_address: String::new(),
            start_ms: 0,
            recorder_token: None,
        };
        let (session, video) = (RecordingId([0; 16]), VideoId([0; 16]));
        let letters = [Letter::VideoReady { session, video, info: &info }, Letter::Test];
        let is_of = |letter: &Letter<'_>| name.contains(&format!("/{}.", letter.name()));
        let letter = letters.into_iter().find(is_of).unwrap_or(Letter::Test);
        match self.filled(name, letter, "https://custody.example.org")?.trim() {
            "" => Err(TemplateError {
                name: name.to_owned(),
                line: 1,
                message: "expected some text".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

/// What stands in a folder, by name; nothing when it is not there. Names that begin with a full stop are passed over.
fn files(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(unreadable(folder, source)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| unreadable(folder, source))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The template whose place a file takes.
fn known(language: &str, path: &Path) -> Result<&'static str, ConfigError> {
    let name = path.file_name().and_then(|name| name.to_str()).map(|name| format!("{language}/{name}"));
    let known = COMPILED_IN.iter().find(|(known, _)| name.as_deref() == Some(known));
    known.map(|(known, _)| *known).ok_or_else(|| not_known(path.to_owned()))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let length = fs::metadata(path).map_err(|source| unreadable(path, source))?.len();
    if length > TEMPLATE_BYTES_MAX {
        let message = format!("expected at most {TEMPLATE_BYTES_MAX} bytes");
        return Err(ConfigError::Template { path: path.to_owned(), line: 1, message });
    }
    fs::read_to_string(path).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> ConfigError {
    ConfigError::File { key: "mail.templates", path: path.to_owned(), source }
}

fn not_known(path: PathBuf) -> ConfigError {
    let known = COMPILED_IN.map(|(name, _)| name).join(", ");
    ConfigError::UnknownTemplate { path, known }
}

#[cfg(test)]
mod tests;
