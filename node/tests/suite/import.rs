//! Recordings come in through the API and are read back as they were.

use super::harness::{Served, custody, free_port, plain, sample, sha256, wait};
use serde_json::json;
use std::collections::BTreeSet;

const SAMPLE: &str = "vnc-truncated.guac.zst";

#[test]
fn an_imported_recording_reads_back_identical_and_is_indexed() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = served.import(folder.path(), SAMPLE);
    let bytes = plain(SAMPLE);
    let recording = format!("/v1/sessions/{session}/recording");
    let (status, _, read) = served.get(&recording, None);
    assert_eq!((status, sha256(&read)), (200, sha256(&bytes)));
    let (status, _, part) = served.get(&recording, Some("bytes=100000-1099999"));
    assert_eq!((status, part.as_slice()), (206, &bytes[100_000..1_100_000]));

    let report = wait("the index", || {
        let report = served.get_json(&format!("/v1/sessions/{session}"));
        (report["session"]["index_state"] == "ready").then_some(report)
    });
    assert_eq!(report["session"]["duration_ms"], 13_309);
    assert_eq!(report["session"]["size_bytes"], bytes.len());
    assert_eq!(report["session"]["recording_state"], "sealed");
    assert!(served.terminate().success());
}

#[test]
fn a_picture_of_a_stored_recording_is_drawn_by_a_worker() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = served.import(folder.path(), SAMPLE);
    let (status, _, png) = served.get(&format!("/v1/sessions/{session}/frames/5000.png"), None);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&png));
    let picture = folder.path().join("frame.png");
    let frame = custody()
        .args(["frame", "--at", "5", "-o"])
        .arg(&picture)
        .arg(sample(SAMPLE))
        .arg("--no-cursor")
        .status()
        .unwrap();
    assert!(frame.success());
    let pixels = |bytes: &[u8]| {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    };
    let without = served.get(&format!("/v1/sessions/{session}/frames/5000.png?pointer=false"), None);
    assert_eq!(without.0, 200);
    assert!(pixels(&without.2) == pixels(&std::fs::read(&picture).unwrap()), "the same picture");
    // The index of the same recording may still be drawn.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !served.workers().is_empty() {
        assert!(std::time::Instant::now() < until, "the workers have ended");
        std::thread::yield_now();
    }
}

/// A recording that takes long to draw for its bytes: each frame a new cell, and a copy of the whole screen.
fn costly(frames: u64) -> Vec<u8> {
    let mut recording = b"4.size,1.0,4.1280,3.720;".to_vec();
    let element = |value: u64| format!("{}.{value}", value.to_string().len());
    for frame in 0..frames {
        let (x, y) = (element(frame * 397 % 1200), element(frame * 211 % 680));
        let (red, time) = (element(frame % 256), element(1_000 + frame * 40));
        let instructions = format!(
            "4.rect,1.0,{x},{y},2.60,2.30;5.cfill,2.14,1.0,{red},2.77,3.200,3.255;\
             4.copy,1.0,1.0,1.0,4.1280,3.720,2.14,2.-1,1.0,1.0;4.sync,{time};"
        );
        recording.extend(instructions.into_bytes());
    }
    recording
}

#[test]
fn a_late_picture_is_drawn_from_a_key_state() {
    let folder = tempfile::tempdir().unwrap();
    let health = format!("127.0.0.1:{}", free_port());
    let mut program = custody();
    program.env("CUSTODY_LISTEN_HEALTH", &health);
    let served = Served::start_by(program, folder.path(), "");
    let recording = folder.path().join("costly.guac");
    std::fs::write(&recording, costly(1_800)).unwrap();
    let session = served.import(folder.path(), recording.to_str().unwrap());
    wait("the index", || {
        let report = served.get_json(&format!("/v1/sessions/{session}"));
        (report["session"]["index_state"] == "ready").then_some(())
    });
    for at in ["0.100", "50.000", "71.960"] {
        let at_ms = at.replace('.', "").parse::<u64>().unwrap();
        let (status, _, png) = served.get(&format!("/v1/sessions/{session}/frames/{at_ms}.png"), None);
        let picture = folder.path().join("frame.png");
        let mut frame = custody();
        frame.args(["frame", "--at", at, "-o"]).arg(&picture).arg(&recording);
        assert!(frame.status().unwrap().success());
        assert_eq!(status, 200, "{at}: {}", String::from_utf8_lossy(&png));
        assert!(png == std::fs::read(&picture).unwrap(), "{at}");
    }
    let metrics = ureq::get(format!("http://{health}/metrics")).call().unwrap();
    let metrics = metrics.into_body().read_to_string().unwrap();
    for line in
        [r#"custody_pictures_total{start="beginning"} 1"#, r#"custody_pictures_total{start="key state"} 2"#]
    {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[test]
fn what_is_no_recording_is_refused_before_it_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let new = json!({
        "protocol": "vnc", "format": "guacamole", "device_address": "10.0.0.1", "start_ms": 1_000,
    });
    let (status, opened) = served.post("/v1/sessions", &new);
    assert_eq!(status, 201, "{opened}");
    let recording = format!("/v1/sessions/{}/recording", opened["id"].as_str().unwrap());
    let headers = [
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", "0"),
        ("Content-Type", "application/offset+octet-stream"),
    ];
    let (status, problem) = served.send("PATCH", &recording, &headers, b"\x89PNG\r\n\x1a\n");
    assert_eq!((status, &problem["status"]), (422, &json!(422)), "{problem}");
    let (status, _) = served.send("PATCH", &recording, &headers, b"4.size,1.0,4.1280,3.720;");
    assert_eq!(status, 204);
}

#[test]
fn over_tls_a_recording_goes_only_to_a_server_with_a_trusted_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let settings = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    let served = Served::start(folder.path(), &settings);
    let mut import = served.import_command(folder.path(), "write-existing.guac.zst");
    let stranger = import.output().unwrap();
    assert_eq!(stranger.status.code(), Some(1));
    let errors = String::from_utf8(stranger.stderr).unwrap();
    assert!(errors.contains("cannot reach https://127.0.0.1:"), "{errors}");
    let known = import.arg("--certificates").arg(&certificate).output().unwrap();
    assert!(known.status.success(), "{}", String::from_utf8_lossy(&known.stderr));
}

#[test]
fn more_pictures_than_workers_are_answered_with_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), "");
    let session = served.import(folder.path(), SAMPLE);
    let path = format!("/v1/sessions/{session}/frames/13000.png");
    let statuses = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| served.get(&path, None).0)).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect::<BTreeSet<_>>()
    });
    assert_eq!(statuses, BTreeSet::from([200, 503]));
    assert_eq!(served.get(&path, None).0, 200);
}
