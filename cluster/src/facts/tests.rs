use super::*;
use crate::catalog::{MemoryEngine, Parameter, ParameterValue, PutParameter, Refusal, SledEngine, SledStart};
use crate::chunk::disk::{MemoryDisk, RealDisk};
use crate::rpc::NoPeers;
use std::path::Path;

const DEADLINE: Duration = Duration::from_secs(20);

fn options(dir: &Path) -> FactsOptions {
    let log = LogOptions { segment_bytes: 4096 };
    FactsOptions {
        log,
        founders: BTreeSet::from([MemberId(1)]),
        ..FactsOptions::new(MemberId(1), dir.to_owned())
    }
}

async fn start(disk: &MemoryDisk, engine: &Arc<MemoryEngine>) -> (Facts, StartReport) {
    let disk = Arc::new(disk.clone());
    let (facts, report) =
        Facts::start(options(Path::new("member")), disk, engine.clone(), Arc::new(NoPeers)).await.unwrap();
    facts.ready(DEADLINE).await.unwrap();
    (facts, report)
}

fn retention(days: u64) -> Command {
    Command::PutParameter(PutParameter {
        name: "retention_days".to_owned(),
        value: ParameterValue::Number(days),
        expected_version: None,
        by: "ada".to_owned(),
    })
}

fn retention_of(facts: &Facts) -> ParameterValue {
    facts.catalog().unwrap().parameter(Parameter::named("retention_days").unwrap()).unwrap()
}

#[tokio::test]
async fn nothing_is_answered_before_a_read_index() {
    let (disk, engine) = (MemoryDisk::default(), Arc::new(MemoryEngine::new()));
    let (facts, _) =
        Facts::start(options(Path::new("member")), Arc::new(disk), engine, Arc::new(NoPeers)).await.unwrap();
    assert!(matches!(facts.catalog(), Err(NotReady)));
    assert!(matches!(facts.submit(retention(7)).await, Err(SubmitError::NotReady(NotReady))));
    facts.ready(DEADLINE).await.unwrap();
    assert_eq!(facts.catalog().unwrap().roles().unwrap().len(), 3);
    facts.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_has_one_effect_however_often_it_is_sent() {
    let (disk, engine) = (MemoryDisk::default(), Arc::new(MemoryEngine::new()));
    let (facts, _) = start(&disk, &engine).await;
    let id = facts.next_request_id().unwrap();
    for _ in 0..3 {
        assert_eq!(facts.resubmit(id, retention(7)).await.unwrap(), Outcome::Version(1));
    }
    facts.stop().await.unwrap();

    let (facts, _) = start(&disk, &engine).await;
    let gone = facts.resubmit(id, retention(7)).await;
    let member = MemberId(1);
    assert!(matches!(gone, Err(SubmitError::Refused(Refusal::IncarnationGone { member: m })) if m == member));
    facts.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_that_is_committed_late_refuses_one_command_and_no_more() {
    let (disk, engine) = (MemoryDisk::default(), Arc::new(MemoryEngine::new()));
    let (facts, _) = start(&disk, &engine).await;
    let member = MemberId(1);
    facts.submit(Command::StartMember { member }).await.unwrap();
    let gone = facts.submit(retention(7)).await;
    assert!(matches!(gone, Err(SubmitError::Refused(Refusal::IncarnationGone { member: m })) if m == member));
    assert_eq!(facts.submit(retention(7)).await.unwrap(), Outcome::Version(1));
    facts.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_that_no_log_entry_holds_is_refused() {
    let (disk, engine) = (MemoryDisk::default(), Arc::new(MemoryEngine::new()));
    let (facts, _) = start(&disk, &engine).await;
    let long = Command::ConfirmClock { by: "x".repeat(5000) };
    assert!(matches!(facts.submit(long).await, Err(SubmitError::TooLong { limit_bytes: 4032, .. })));
    facts.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_cut() {
    let disk = MemoryDisk::default();
    for round in 1..6 {
        // The engine ends with the power: the catalog is rebuilt from the log.
        let (facts, report) = start(&disk, &Arc::new(MemoryEngine::new())).await;
        assert_eq!(report.rebuilt, Some(Rebuild::Incomplete));
        if round > 1 {
            assert_eq!(retention_of(&facts), ParameterValue::Number(round - 1));
        }
        let many = (0..40).map(|_| facts.submit(retention(round)));
        let mut versions = Vec::new();
        for submitted in many {
            versions.push(submitted.await.unwrap());
        }
        assert_eq!(versions.last(), Some(&Outcome::Version(40 * round)));
        disk.cut_power(&mut |choices| choices / 2);
        // Its files are gone under it; what it could not close does not matter.
        let _: Result<(), StopError> = facts.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_stands_for_the_log_that_it_holds() {
    let disk = MemoryDisk::default();
    let engine = Arc::new(MemoryEngine::new());
    let (facts, _) = start(&disk, &engine).await;
    for days in 1..=50 {
        facts.submit(retention(days)).await.unwrap();
    }
    facts.snapshot(DEADLINE).await.unwrap();
    facts.submit(retention(99)).await.unwrap();
    let dump = facts.catalog().unwrap().dump(None).unwrap();
    facts.stop().await.unwrap();

    let empty = Arc::new(MemoryEngine::new());
    let (facts, report) =
        Facts::start(options(Path::new("member")), Arc::new(disk), empty, Arc::new(NoPeers)).await.unwrap();
    assert_eq!(report.rebuilt, Some(Rebuild::Incomplete));
    facts.read_index().await.unwrap();
    let rebuilt = facts.catalog().unwrap().dump(None).unwrap();
    let without_position = |rows: Vec<(crate::catalog::Tree, crate::catalog::KeyAndRow)>| {
        let rows = rows.into_iter().filter(|(tree, (key, _))| !Catalog::is_applied_mark(*tree, key));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(without_position(rebuilt), without_position(dump));
    facts.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_ends_all_writing() {
    let (disk, engine) = (MemoryDisk::default(), Arc::new(MemoryEngine::new()));
    let (facts, _) = start(&disk, &engine).await;
    facts.submit(retention(7)).await.unwrap();
    disk.fail_syncs();
    assert!(facts.submit(retention(8)).await.is_err());
    assert!(matches!(
        facts.submit(retention(9)).await,
        Err(SubmitError::Stopped | SubmitError::Unknown { .. })
    ));
    let _: Result<(), StopError> = facts.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sled_is_kept_over_a_restart_of_the_process_and_emptied_with_the_machine() {
    let dir = tempfile::tempdir().unwrap();
    let boots = [("boot 1", SledStart::New, false), ("boot 1", SledStart::Kept, true)];
    let later = [("boot 2", SledStart::EmptiedAfterMachineStop, false), ("boot 3", SledStart::Kept, true)];
    for (round, (boot, expected, is_closed)) in (1..).zip(boots.into_iter().chain(later)) {
        let closed_before = boot == "boot 3";
        let (engine, found) = SledEngine::open(&dir.path().join("engine"), boot).unwrap();
        if !closed_before {
            assert_eq!(found, expected, "round {round}");
        }
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let (facts, report) =
            Facts::start(options(dir.path()), Arc::new(RealDisk), Arc::clone(&engine), Arc::new(NoPeers))
                .await
                .unwrap();
        facts.ready(DEADLINE).await.unwrap();
        assert_eq!(report.rebuilt.is_some(), found != SledStart::Kept, "round {round}: {report:?}");
        if round > 1 {
            assert_eq!(retention_of(&facts), ParameterValue::Number(round - 1));
        }
        facts.submit(retention(round)).await.unwrap();
        facts.stop().await.unwrap();
        if !is_closed {
            // As after a kill: the mark still names the boot.
            std::fs::write(dir.path().join("engine/in-use"), boot).unwrap();
        } else if round == 2 {
            std::fs::write(dir.path().join("engine/in-use"), "boot 1").unwrap();
        }
    }
}
