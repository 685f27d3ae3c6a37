//! Faults of the CA's CRL server. What is held serves on; a node that starts in the midst knows nothing good, whatever Redis
//! offers it.

use antin::pki::Authority;

use super::trial::{Fault, nothing};
use crate::revocation::responder::{Answer, Responder};
use crate::revocation::world::Standing::Unknown;

const NO_LIST: &str = "the source gives no CRL that counts; what is held serves until its nextUpdate";

pub fn faults() -> Vec<Fault> {
    let fault = Fault {
        name: "",
        begin: nothing,
        meanwhile: nothing,
        end: nothing,
        news_arrive: false,
        newcomer: (Unknown, Unknown),
        metric: &["antin_revocation_failures_total"],
        line: NO_LIST,
    };
    vec![
        Fault { name: "CRL server down", begin: |scene| drop(scene.ca.take()), ..fault },
        Fault { name: "CRL server answers 503", begin: |scene| scene.ca_answers(Answer::Status(503)), ..fault },
        Fault { name: "CRL server silent", begin: |scene| scene.ca_answers(Answer::Silence), ..fault },
        Fault { name: "CRL server slow", begin: |scene| scene.ca_answers(Answer::Trickle), ..fault },
        Fault {
            name: "CRL server truncates",
            begin: |scene| scene.ca_answers(Answer::Truncated(scene.world.list(Authority::Ca))),
            ..fault
        },
        Fault {
            name: "CRL server lies: another key",
            begin: |scene| scene.ca_answers(Answer::Body(scene.foreign.list(Authority::Ca))),
            ..fault
        },
        Fault {
            name: "CRL server lies: one bit",
            begin: |scene| {
                let mut list = scene.world.list(Authority::Ca);
                let middle = list.len() / 2;
                list[middle] ^= 1;
                scene.ca_answers(Answer::Body(list));
            },
            ..fault
        },
        Fault {
            name: "CRL server redirects to loopback",
            begin: |scene| {
                let trap = Responder::start(Answer::Body(scene.oldest.clone()));
                scene.ca_answers(Answer::Redirect(trap.url()));
                scene.other.push(trap);
            },
            end: |scene| assert_eq!(scene.other[0].asked(), 0, "a redirect was followed"),
            ..fault
        },
        Fault {
            name: "CRL server redirects to metadata",
            begin: |scene| scene.ca_answers(Answer::Redirect("http://169.254.169.254/latest/meta-data".to_owned())),
            ..fault
        },
    ]
}
