//! The rows of the fault table for OCSP servers: the CA's list is nowhere, so that its OCSP server alone can say that a signer is
//! good. While it cannot, nothing passes, and every question is answered in time.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::collecting::{LISTS, Scene, code, openssl_responder};
use crate::faults::capture::Capture;
use crate::faults::trial::{RECOVERY, Row, SPAN, table};
use crate::revocation::responder::{Answer, Responder};

/// A question waits two seconds for evidence here.
const PATIENCE: Duration = Duration::from_secs(6);

/// What the server does, made of what is right for another CA, the address of a trap, and a good answer cut short.
fn faults(other: &Scene, trap: &Responder) -> Vec<(&'static str, Answer)> {
    let lying = |state| openssl_responder(&other.pki(), state);
    vec![
        ("OCSP server answers 503", Answer::Status(503)),
        ("OCSP server silent", Answer::Silence),
        ("OCSP server slow", Answer::Trickle),
        ("OCSP server truncates", Answer::Truncated(vec![0x30; 900])),
        ("OCSP server lies: another CA's key", lying("V")),
        ("OCSP server lies: tryLater for ever", Answer::Body(vec![0x30, 3, 0x0A, 1, 3])),
        ("OCSP server redirects to loopback", Answer::Redirect(trap.url())),
        ("OCSP server redirects to metadata", Answer::Redirect("http://169.254.169.254/latest/meta-data".to_owned())),
    ]
}

fn trial(fault: &'static str, wrong: Answer) -> Row {
    let capture = Capture::new();
    let scene = Scene::new();
    scene.site.tell_at(LISTS[1], Answer::Status(404));
    scene.site.tell_at("/ocsp", wrong);
    let row = capture.runtime.block_on(async {
        let service = scene.service(|_| ()).await;
        let question = scene.leaf_only();
        let (mut verdicts, mut slowest, mut wrong) = (BTreeMap::new(), Duration::ZERO, 0);
        let begun = Instant::now();
        while begun.elapsed() < SPAN {
            let asked = Instant::now();
            let answer = service.verify(&question).await;
            slowest = slowest.max(asked.elapsed());
            wrong += usize::from(answer.reliance().0 == "ACCEPT");
            *verdicts.entry(code(&answer)).or_default() += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        scene.site.tell_at("/ocsp", openssl_responder(&scene.pki(), "V"));
        let ended = Instant::now();
        while code(&service.verify(&question).await) != "valid" && ended.elapsed() <= RECOVERY {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let recovery = ended.elapsed();
        let metric = capture.metric(&["antin_evidence_wanted_total", "status", "missing"]);
        Row { fault, verdicts, wrong, slowest, recovery, metric, line: None }
    });
    capture.runtime.shutdown_background();
    row
}

#[test]
fn while_an_ocsp_server_fails_nothing_passes_and_each_question_is_answered() {
    let (other, trap) = (Scene::new(), Responder::start(Answer::Status(200)));
    let mut trials = faults(&other, &trap).into_iter();
    let mut rows = Vec::new();
    loop {
        let some: Vec<_> = trials.by_ref().take(4).collect();
        if some.is_empty() {
            break;
        }
        let running: Vec<_> = some.into_iter().map(|(name, wrong)| thread::spawn(move || trial(name, wrong))).collect();
        rows.extend(running.into_iter().map(|trial| trial.join().expect("a row")));
    }
    println!("{}", table(&rows));
    assert_eq!((rows.len(), trap.asked()), (8, 0));
    for row in rows {
        let told = row.metric.is_some() && !row.verdicts.is_empty();
        assert!(row.wrong == 0 && told && row.slowest < PATIENCE && row.recovery <= RECOVERY, "{row:?}");
    }
}
