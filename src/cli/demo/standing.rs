//! The chapters of the story about what a signature alone cannot say: a paper that is good once, and one that its issuer withdraws.

use serde_json::json;

use super::office::{Failure, Office};
use super::shown::Shown;
use super::signed_paper::Paper;
use crate::cli::exit;

/// Two counters of the agency use up the same paper at the same moment: exactly one may.
pub async fn use_at_two_counters(agency: &Office, shown: &Shown, paper: &Paper) -> Result<(), Failure> {
    let change = json!({ "state": "used", "reason": "presented at the counter" });
    let (one, other) = tokio::join!(agency.set_status(&paper.id, &change), agency.set_status(&paper.id, &change));
    let mut answers = [one?, other?];
    answers.sort_by_key(|(status, _)| *status);
    let [(200, _), (409, refused)] = &answers else {
        return Err(format!("two counters used one paper: {answers:?}").into());
    };
    let message = |language: &str| refused["message"][language].as_str().unwrap_or_default();
    let told = shown.language.pick(message("vi"), message("en"));
    exit::print("  ✔ one counter            200 used\n");
    exit::print(&format!("  ✘ the other              409 {}: {told}\n", refused["code"].as_str().unwrap_or_default()));
    Ok(())
}

/// The issuer takes a paper back.
pub async fn withdraw(issuer: &Office, paper: &Paper) -> Result<(), Failure> {
    let change = json!({ "state": "withdrawn", "reason": "issued by mistake" });
    match issuer.set_status(&paper.id, &change).await? {
        (200, _) => Ok(()),
        (status, answer) => Err(format!("withdrawing {}: {status} {answer}", paper.id).into()),
    }
}
