use roxmltree::{Document, Node};

use super::Refusal;
use super::configuration::Configuration;
use super::entry::escaped;
use super::request::Request;

/// The firewall's jobs. One goes a step further each time that somebody asks after it.
#[derive(Default)]
pub struct Jobs {
    jobs: Vec<Job>,
    pub fail: bool,
}

struct Job {
    id: usize,
    description: String,
    asked: u32,
    fails: bool,
}

impl Jobs {
    /// `type=commit`.
    pub fn enqueue(
        &mut self,
        request: &Request,
        candidate: &Configuration,
        running: &Configuration,
    ) -> Result<String, Refusal> {
        request.only(&["type", "cmd"]).map_err(|why| ("400", why))?;
        let document = parse(request.need("cmd")?)?;
        let root = document.root_element();
        let mut children = root.children().filter(Node::is_element);
        let description = match (root.tag_name().name(), children.next(), children.next()) {
            ("commit", None, _) => "",
            ("commit", Some(only), None) if only.tag_name().name() == "description" => only.text().unwrap_or_default(),
            _ => return Err(("17", "commit is invalid".to_owned())),
        };
        if description.chars().count() > 512 {
            return Err(("17", "commit -> description is too long".to_owned()));
        }
        if self.jobs.last().is_some_and(|job| !job.is_done()) {
            return Err(("13", "Another commit/validate is in progress. Please try again later".to_owned()));
        }
        if candidate == running {
            return Ok(
                "<response status=\"success\" code=\"19\"><msg>There are no changes to commit.</msg></response>"
                    .to_owned(),
            );
        }
        let id = self.jobs.len() + 2;
        self.jobs.push(Job { id, description: description.to_owned(), asked: 0, fails: self.fail });
        Ok(format!(
            "<response status=\"success\" code=\"19\"><result><msg><line>Commit job enqueued with jobid {id}</line></msg>\
             <job>{id}</job></result></response>"
        ))
    }

    /// `type=op`.
    pub fn operate(
        &mut self,
        request: &Request,
        candidate: &Configuration,
        running: &mut Configuration,
    ) -> Result<String, Refusal> {
        request.only(&["type", "cmd"]).map_err(|why| ("400", why))?;
        let document = parse(request.need("cmd")?)?;
        let mut way = vec![document.root_element()];
        while let Some(child) = way.last().and_then(|node| node.children().find(Node::is_element)) {
            way.push(child);
        }
        let names: Vec<&str> = way.iter().map(|node| node.tag_name().name()).collect();
        let shown: String = match names[..] {
            ["show", "jobs", "all"] => {
                // The firewall's own jobs are there too, and newest first.
                let own = "<job><id>1</id><user/><type>AutoCom</type><status>FIN</status><result>OK</result>\
                           <description/><progress>100</progress><details/><warnings/></job>";
                self.jobs.iter().rev().map(Job::xml).collect::<String>() + own
            }
            ["show", "jobs", "id"] => {
                let id = way.last().and_then(Node::text).unwrap_or_default();
                let job = self.jobs.iter_mut().find(|job| job.id.to_string() == id);
                let job = job.ok_or_else(|| ("7", format!("job {id} not found")))?;
                job.asked += 1;
                if job.asked == DONE && !job.fails {
                    running.clone_from(candidate);
                }
                job.xml()
            }
            _ => return Err(("17", format!("{} is invalid", names.join(" -> ")))),
        };
        Ok(format!("<response status=\"success\"><result>{shown}</result></response>"))
    }
}

/// How often a job is asked after until it is done.
const DONE: u32 = 3;

impl Job {
    fn is_done(&self) -> bool {
        self.asked >= DONE
    }

    fn xml(&self) -> String {
        let (status, result, progress, end) = match self.asked {
            0 | 1 => ("PEND", "PEND", "0", "Still Active"),
            2 => ("ACT", "PEND", "55", "Still Active"),
            _ if self.fails => ("FIN", "FAIL", "100", "03:04:59"),
            _ => ("FIN", "OK", "100", "03:04:59"),
        };
        let details = match (self.is_done(), self.fails) {
            (false, _) => "",
            (true, false) => "<line>Configuration committed successfully</line>",
            (true, true) => {
                "<line>vsys1</line><line>interface ethernet1/1 has no zone</line><line>Commit failed</line>"
            }
        };
        format!(
            "<job><tenq>2026/01/02 03:04:05</tenq><tdeq>03:04:05</tdeq><id>{}</id><user>api</user><type>Commit</type>\
             <status>{status}</status><queued>NO</queued><stoppable>no</stoppable><result>{result}</result>\
             <tfin>{end}</tfin><description>{}</description><positionInQ>0</positionInQ><progress>{progress}</progress>\
             <details>{details}</details><warnings></warnings></job>",
            self.id,
            escaped(&self.description)
        )
    }
}

fn parse(xml: &str) -> Result<Document<'_>, Refusal> {
    Document::parse(xml).map_err(|error| ("18", format!("the XML is malformed: {error}")))
}
