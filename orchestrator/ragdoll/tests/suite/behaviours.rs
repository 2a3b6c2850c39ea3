//! What a function that serves requests can do.

use std::sync::{Arc, Mutex};

use ragdoll::{Bytes, Call, Code, Dist, Experiment, Failure, Fault, Record, Request, System};

use crate::verdicts::{planner, quiet};

/// What functions noted, in the order of time.
type Notes = Arc<Mutex<Vec<String>>>;

fn noted(notes: &Notes) -> Vec<String> {
    std::mem::take(&mut *notes.lock().expect("nobody panicked"))
}

/// Runs `serve` as the service that users call, before `llm` and `echo`, for a second of ten requests.
fn notes_of<F, A>(serve: F) -> Vec<String>
where
    F: Fn(Request, Arc<dyn Fn(String) + Send + Sync>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Bytes, Failure>> + Send + 'static,
{
    let notes = Notes::default();
    let kept = notes.clone();
    let note: Arc<dyn Fn(String) + Send + Sync> = Arc::new(move |text| {
        kept.lock().expect("nobody panicked").push(text);
    });
    let echo = async |request: Request| {
        let mut answer = b"heard ".to_vec();
        answer.extend_from_slice(request.payload());
        Ok(answer.into())
    };
    let system = System::builder()
        .service("planner", |s| {
            let s = s.behaviour(move |request| serve(request, note.clone()));
            s.calls("echo").calls(Call::to("llm").timeout_ms(500.0))
        })
        .service("llm", |s| s.work(Dist::lognormal(60.0, 0.3)))
        .service("echo", |s| s.behaviour(echo))
        .build()
        .expect("a sound system");
    let experiment = Experiment::builder("a second").per_second(10.0);
    let experiment = experiment.phase("only", 1.0, |phase| phase).build();
    system.run(&experiment).expect("a sound experiment");
    let first = noted(&notes);
    system.run(&experiment).expect("a sound experiment");
    assert_eq!(noted(&notes), first, "the same again");
    assert!(!first.is_empty(), "some requests came");
    first
}

#[test]
fn it_calls_others_and_reads_their_answers() {
    let heard = notes_of(async |request, note| {
        let answer = request.call("echo", "hello").await?;
        note(String::from_utf8_lossy(&answer).into_owned());
        Ok(answer)
    });
    assert!(heard.iter().all(|text| text == "heard hello"), "{heard:?}");
}

#[test]
fn calls_of_one_service_draw_anew() {
    let times = notes_of(async |request, note| {
        for _ in 0..2 {
            let before_ms = request.now_ms();
            request.call("llm", Bytes::new()).await?;
            note(format!("{:.3}", request.now_ms() - before_ms));
        }
        Ok(Bytes::new())
    });
    let mut distinct = times.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), times.len(), "{times:?}");
}

#[test]
fn calls_may_be_made_at_once() {
    let spans = notes_of(async |request, note| {
        let before_ms = request.now_ms();
        let ask = || request.call("llm", Bytes::new());
        let answers = futures_util::future::join_all([ask(), ask(), ask()]).await;
        let ended = answers.iter().all(Result::is_ok);
        note(format!("{ended} {}", request.now_ms() - before_ms < 170.0));
        Ok(Bytes::new())
    });
    assert!(spans.iter().all(|text| text == "true true"), "{spans:?}");
}

#[test]
fn it_waits_and_knows_its_time_and_deadline() {
    let said = notes_of(async |request, note| {
        let before_ms = request.now_ms();
        request.sleep_ms(7.5).await;
        request.work_ms(2.5).await;
        let took_ms = request.now_ms() - before_ms;
        let left_s = (request.deadline_ms().unwrap_or(0.0) - request.now_ms()) / 1000.0;
        request.log("planned");
        note(format!(
            "{took_ms:.3} ms, {left_s:.0} s left for {}",
            request.user().len() > 5
        ));
        Ok(Bytes::new())
    });
    let expected = "10.000 ms, 60 s left for true";
    assert!(said.iter().all(|text| text == expected), "{said:?}");
}

#[test]
fn its_random_numbers_are_the_requests_own() {
    let drawn = notes_of(async |request, note| {
        note(format!("{} {}", request.random(), request.random()));
        Ok(Bytes::new())
    });
    let mut distinct = drawn.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), drawn.len(), "{drawn:?}");
}

#[test]
fn it_learns_why_a_call_failed_and_may_go_on() {
    let system = System::builder()
        .service("planner", |s| {
            s.calls("search")
                .calls("cache")
                .behaviour(
                    async |request: Request| match request.call("search", "q").await {
                        Err(failure) if failure.code == Code::Unavailable => {
                            request.call("cache", "q").await
                        }
                        outcome => outcome,
                    },
                )
        })
        .service("search", |s| s.work_ms(5.0))
        .service("cache", |s| s.work_ms(1.0))
        .build()
        .expect("a sound system");
    let fault = Fault::on_calls("error_rate", "planner", "search").param("code", "UNAVAILABLE");
    let experiment = quiet()
        .phase("broken", 20.0, |phase| phase.fault(fault))
        .build();
    let record = system
        .run(&experiment)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(record.figures("broken").error_share, 0.0);
}

#[test]
fn requests_wait_for_its_workers() {
    let waits = |workers| {
        let system = System::builder().service("planner", |s| {
            let s = s.workers(workers).queue_bound(10_000);
            s.behaviour(async |request: Request| {
                request.sleep_ms(50.0).await;
                Ok(Bytes::new())
            })
        });
        let record: Record = system
            .build()
            .and_then(|system| system.run(quiet().build()))
            .expect("a sound system and experiment");
        record.figures("baseline").p95_ms
    };
    let (one, four) = (waits(1), waits(8));
    assert!(one > 1000.0 && four < 60.0, "{one} ms and {four} ms");
}

#[test]
#[should_panic(
    expected = "the behaviour of planner calls `serach`, but its description has calls of [\"echo\", \"llm\"]"
)]
fn a_call_that_is_not_described_is_a_mistake() {
    notes_of(async |request, _| request.call("serach", "q").await);
}

#[test]
fn another_seed_is_another_run() {
    let experiment = quiet().build();
    let figures = |seed| {
        let record = planner().run(experiment.clone().with_seed(seed));
        record.expect("a sound experiment").figures("baseline")
    };
    assert_eq!(figures(7), figures(7));
    assert_ne!(figures(7), figures(8));
}
