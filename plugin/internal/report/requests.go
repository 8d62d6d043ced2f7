package report

// Requests is the number of HTTP requests to the API server, by verb. Discovery counts as get.
type Requests struct {
	List   int `json:"list"`
	Get    int `json:"get"`
	Watch  int `json:"watch,omitempty"`
	Create int `json:"create"`
	Update int `json:"update"`
	Patch  int `json:"patch"`
	Delete int `json:"delete"`
	Total  int `json:"total"`
}

// Minus returns the requests made since earlier.
func (r Requests) Minus(earlier Requests) Requests {
	return Requests{
		List: r.List - earlier.List, Get: r.Get - earlier.Get, Watch: r.Watch - earlier.Watch,
		Create: r.Create - earlier.Create, Update: r.Update - earlier.Update, Patch: r.Patch - earlier.Patch,
		Delete: r.Delete - earlier.Delete, Total: r.Total - earlier.Total,
	}
}
