//! Commands that need no running member.

use super::harness::{custody, sample};

/// The exit code of a refused configuration, as `custody serve --help` says.
const EXIT_CONFIG: i32 = 78;

#[test]
fn the_demonstration_kills_a_receiver_and_shows_recording_video_and_mail_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let output = custody()
        .args(["demo", "--once", "--listen", "127.0.0.1:0", "--health", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("demo"))
        .arg(sample("write-existing.guac.zst"))
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "member 3    serving on http://127.0.0.1:",
        "token       custody_",
        "killed      member 2, in the middle",
        "resumed     at member ",
        "write-existing.guac.zst from members 1 and 3: as it was recorded",
        "from members 1 and 3: 6067 ms",
        "mail to     ada@",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.contains("Subject: The video of a session is ready"), "{shown}");
}

#[test]
fn check_config_says_what_is_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("custody.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = custody().arg("check-config").arg(&file).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = check("data_dir = \"/srv/custody\"\n");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("the configuration is right\n"), "{text}");
    let (code, text) = check("[tls]\ncertificate = \"/nowhere/c.pem\"\nkey = \"/nowhere/k.pem\"\n");
    assert_eq!(code, Some(EXIT_CONFIG));
    assert!(text.starts_with("custody: tls.certificate names /nowhere/c.pem: No such file"), "{text}");
    let templates = folder.path().join("templates");
    std::fs::create_dir_all(templates.join("en")).unwrap();
    std::fs::write(templates.join("en/video-ready.html"), "<p>\n{{ title }}\n").unwrap();
    let mails = format!(
        "[smtp]\nhost = \"m\"\nfrom = \"a@example.org\"\n[mail]\nlanguage = \"pt-BR\"\ntemplates = {templates:?}\n"
    );
    let (code, text) = check(&mails);
    assert_eq!(code, Some(EXIT_CONFIG));
    assert!(text.contains("templates/en/video-ready.html, line 2: undefined value"), "{text}");
    std::fs::write(templates.join("en/video-ready.html"), "<p>{{ url }}").unwrap();
    let (code, text) = check(&mails);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("mails to     m:587 (pt-BR)"), "{text}");
    let (code, text) = check("dataDir = \"/srv\"\n");
    assert_eq!(code, Some(EXIT_CONFIG));
    assert!(text.contains("sets dataDir, which is no setting"), "{text}");
}
